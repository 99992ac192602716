//! Every difference from what the other engines agree on, with its reason.

/// File, rule, count agreed on by the other engines (0: none of them), our count, and why ours is right.
pub type Difference = (&'static str, &'static str, u64, u64, &'static str);

const DELETED: &str =
    "registry_delete is about deletions; the other engines take it for every event of code 12, also CreateKey";
const DELETED_26: &str = "file_delete is code 26 (delete not archived) too, the other engines look at code 23 only";
const HASH_15: &str = "the field is called Hash in code 15; of the other engines only rsigma sees it";
const START_MODULE: &str =
    "StartModule is '-' in the event, which is what null in the rule means; only zircolite sees it";
const WINDASH: &str = "windash takes -accepteula for /accepteula; only zircolite sees it";
const CREATE_KEY: &str = "TargetObject and EventType CreateKey are those of the rule, in another case of letters";
const MESSAGE: &str = "nxlog left Destination in the message text only, from where it is read back here";

const LAYOUT: &str = "EventData is JSON inside of a JSON text here, which the other engines do not read; \
    the process is a PowerShell that Tomcat started with an encoded command";

const LOG4SHELL: &str =
    "json-nxlog-flat/compound-Log4Shell__sysmon_log4shell_cve2021_44228_java_serialized_object.json.zst";

pub const EXPLAINED: &[Difference] = &[
    (
        "evtx/sbousseaden/Defense_Evasion/Sysmon_12_DE_AntiForensics_MRU_DeleteKey.evtx",
        "3a9b8c1e-5b2e-4f7a-9d1c-2a7f3b6e1c55",
        3,
        1,
        DELETED,
    ),
    (
        "evtx/sbousseaden/Lateral_Movement/LM_sysmon_1_12_13_3_tsclient_SharpRdp.evtx",
        "3a9b8c1e-5b2e-4f7a-9d1c-2a7f3b6e1c55",
        4,
        0,
        DELETED,
    ),
    (
        "json-nxlog-flat/lateral_movement__empire_dcom_shellwindows_stager.json.zst",
        "96f697b0-b499-4e5d-9908-a67bec11cdb6",
        2,
        0,
        DELETED,
    ),
    (
        "evtx/sbousseaden/AutomatedTestingTools/Malware/sideloading_uacbypass_rundll32_injection_c2.evtx",
        "2e4e488a-6164-4811-9ea1-f960c7359c40",
        0,
        1,
        START_MODULE,
    ),
    (
        "evtx/sbousseaden/AutomatedTestingTools/PanacheSysmon_vs_AtomicRedTeam01.evtx",
        "4a0b2c7e-7cb2-495d-8b63-5f268e7bfd67",
        0,
        1,
        WINDASH,
    ),
    (
        "json-nxlog-flat/compound-LSASS_campaign_01__metasploit_logonpasswords_lsass_memory_dump.json.zst",
        "b69888d4-380c-45ce-9cf9-d9ce46e67821",
        0,
        3,
        HASH_15,
    ),
    (
        "json-nxlog-flat/compound-LSASS_campaign_03__metasploit_comsvcs_lsass_memory_dump.json.zst",
        "b69888d4-380c-45ce-9cf9-d9ce46e67821",
        0,
        3,
        HASH_15,
    ),
    (
        "json-nxlog-flat/compound-LSASS_campaign_03__metasploit_comsvcs_lsass_memory_dump.json.zst",
        "63c779ba-f638-40a0-a593-ddd45e8b1ddc",
        0,
        1,
        DELETED_26,
    ),
    (
        "json-nxlog-flat/defense_evasion__cmd_stop_event_logging_controlset001_minint_key.json.zst",
        "919f2ef0-be2d-4a7a-b635-eb2b41fde044",
        0,
        1,
        CREATE_KEY,
    ),
    (
        "json-nxlog-flat/defense_evasion__psh_stop_event_logging_controlset_minint_key.json.zst",
        "919f2ef0-be2d-4a7a-b635-eb2b41fde044",
        0,
        1,
        CREATE_KEY,
    ),
    (
        "json-nxlog-flat/defense_evasion__reg_stop_event_logging_controlset_minint_key.json.zst",
        "919f2ef0-be2d-4a7a-b635-eb2b41fde044",
        0,
        1,
        CREATE_KEY,
    ),
    (
        "json-nxlog-flat/lateral_movement__covenant_wmi_remote_event_subscription_ActiveScriptEventConsumers.json.zst",
        "83844185-1c5b-45bc-bcf3-b5bf3084ca5b",
        0,
        2,
        MESSAGE,
    ),
    (
        "json-nxlog-flat/lateral_movement__covenant_wmi_remote_event_subscription_ActiveScriptEventConsumers.json.zst",
        "fe21810c-2a8c-478f-8dd3-5a287fb2a0e0",
        0,
        2,
        MESSAGE,
    ),
    (LOG4SHELL, "2617e7ed-adb7-40ba-b0f3-8f9945fe6c09", 0, 1, LAYOUT),
    (LOG4SHELL, "36210e0d-5b19-485d-a087-c096088885f0", 0, 1, LAYOUT),
    (LOG4SHELL, "754ed792-634f-40ae-b3bc-e0448d33f695", 0, 1, LAYOUT),
    (LOG4SHELL, "87e3c4e8-a6a8-4ad9-bb4f-46e7ff99a180", 0, 1, LAYOUT),
    (LOG4SHELL, "ac7102b4-9e1e-4802-9b4f-17c5524c015c", 0, 1, LAYOUT),
    (LOG4SHELL, "c86133ad-4725-4bd0-8170-210788e0a7ba", 0, 1, LAYOUT),
    (LOG4SHELL, "f4bbd493-b796-416e-bbf2-121235348529", 0, 1, LAYOUT),
    (LOG4SHELL, "fb843269-508c-4b76-8b8d-88679db22ce7", 0, 1, LAYOUT),
    (LOG4SHELL, "fdb62a13-9a81-4e5c-a38f-ea93a16f6d7c", 0, 1, LAYOUT),
];
