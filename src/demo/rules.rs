//! The demo's own Sigma rules.

macro_rules! files {
    ($($name:literal),* $(,)?) => { &[$(($name, include_str!(concat!("rules/", $name)))),*] };
}

const RULES: &[(&str, &str)] = files![
    "beacon_address.yml",
    "domain_discovery.yml",
    "event_log_cleared.yml",
    "hidden_powershell_download.yml",
    "implant_pipe.yml",
    "lsass_dump_by_library.yml",
    "lsass_memory_read.yml",
    "macro_document_from_mail.yml",
    "macro_engine_loaded.yml",
    "office_starts_shell.yml",
    "program_in_public_folder.yml",
    "remote_wmi_shell.yml",
    "run_key_to_writable_folder.yml",
    "scheduled_task_every_minutes.yml",
    "service_from_writable_folder.yml",
    "shadow_copies_deleted.yml",
    "thread_into_explorer.yml",
    "unsigned_driver.yml",
    "upload_by_curl.yml",
    "wmi_command_consumer.yml",
];

/// File name and YAML of every rule of the demo.
pub fn rules() -> Vec<(&'static str, &'static str)> {
    RULES.to_vec()
}
