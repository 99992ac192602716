//! The line about an event, in Japanese.
use super::{Side, acting, answers, is_incoming, name, side};
use crate::event::{Event, EventCode, Field};

/// `powershell.exe が 10.0.0.5:443 (tcp) に接続`
pub fn describe(event: &Event) -> String {
    use Field as F;
    let get = |f: Field| event.get(f);
    let or = |f: Field, other: &'static str| event.get(f).unwrap_or(other);
    let who = acting(event).unwrap_or("プロセス");
    let target = get(F::TargetImage).map_or("プロセス", name);
    let file = |f: Field| or(f, "ファイル");
    let object = or(F::TargetObject, "レジストリ");
    let in_brackets = |f: Field| get(f).map(|v| format!(" ({v})")).unwrap_or_default();
    match event.code {
        1 => {
            let what = get(F::CommandLine).or_else(|| get(F::Image)).unwrap_or("プロセス");
            match get(F::ParentImage) {
                Some(parent) => format!("{} が起動: {what}", name(parent)),
                None => format!("起動: {what}"),
            }
        }
        2 => format!("{who} が {} の作成日時を {} に変更", file(F::TargetFilename), or(F::CreationUtcTime, "別の日時")),
        3 => connection(event, who),
        4 => format!("Sysmon サービスの状態: {}", or(F::State, "不明")),
        5 => format!("{who} が終了"),
        6 => format!("ドライバー {} を読み込み{}", file(F::ImageLoaded), signer(event)),
        7 => format!("{who} が {} を読み込み{}", file(F::ImageLoaded), signer(event)),
        8 => {
            let at = get(F::StartFunction).or_else(|| get(F::StartModule)).or_else(|| get(F::StartAddress));
            format!("{who} が {target} でスレッドを開始{}", at.map(|a| format!("（開始位置 {a}）")).unwrap_or_default())
        }
        9 => format!("{who} が {} を直接読み取り", or(F::Device, "ボリューム")),
        10 => format!("{who} が {target} をアクセス権 {} で開いた", or(F::GrantedAccess, "不明")),
        11 => format!("{who} が {} を作成", file(F::TargetFilename)),
        12 => format!("{who} が {object} {}", registry_verb(event)),
        13 => match get(F::Details) {
            Some(value) => format!("{who} が {object} に {value} を設定"),
            None => format!("{who} が {object} を設定"),
        },
        14 => format!("{who} が {object} の名前を {} に変更", or(F::NewName, "別の名前")),
        15 => format!("{who} がストリーム {} に書き込み", file(F::TargetFilename)),
        16 => format!("Sysmon の設定が変更された: {}", or(F::Configuration, "不明")),
        17 => format!("{who} がパイプ {} を作成", or(F::PipeName, "（名前なし）")),
        18 => format!("{who} がパイプ {} に接続", or(F::PipeName, "（名前なし）")),
        19 => format!("WMI フィルター {} を{}: {}", or(F::Name, "?"), done(event), or(F::Query, "クエリなし")),
        20 => format!("WMI コンシューマー {} を{}: {}", or(F::Name, "?"), done(event), or(F::Destination, "宛先なし")),
        21 => {
            let (filter, consumer) = (or(F::Filter, "フィルター"), or(F::Consumer, "コンシューマー"));
            format!("WMI の関連付けを{}: {filter} と {consumer}", done(event))
        }
        22 => {
            let answer = get(F::QueryResults).map(|r| format!(" → {}", answers(r))).unwrap_or_default();
            format!("{who} が {} を名前解決{answer}", or(F::QueryName, "名前"))
        }
        23 => format!("{who} が {} を削除（保管あり）", file(F::TargetFilename)),
        24 => format!("{who} がクリップボードを変更{}", in_brackets(F::ClientInfo)),
        25 => format!("{who} が改ざんされた{}", in_brackets(F::Type)),
        26 => format!("{who} が {} を削除", file(F::TargetFilename)),
        27 => format!("{who} による実行ファイル {} の書き込みを阻止", file(F::TargetFilename)),
        28 => format!("{who} による {} の完全消去を阻止", file(F::TargetFilename)),
        29 => format!("{who} が実行ファイル {} を作成", file(F::TargetFilename)),
        255 => format!("Sysmon のエラー {}: {}", or(F::Id, "番号なし"), or(F::Description, "説明なし")),
        code => format!("{} {code}", EventCode::get(code).map_or("イベント", |c| c.name)),
    }
}

fn connection(event: &Event, who: &str) -> String {
    let protocol = event.get(Field::Protocol).map(|p| format!(" ({p})")).unwrap_or_default();
    if is_incoming(event) {
        return format!("{who} が {}{protocol} からの接続を受けた", side(event, Side::Source, "アドレス"));
    }
    format!("{who} が {}{protocol} に接続", side(event, Side::Destination, "アドレス"))
}

fn signer(event: &Event) -> String {
    match (event.get(Field::Signed), event.get(Field::Signature)) {
        (Some("false"), _) => "（署名なし）".into(),
        (_, Some(signer)) => format!("（署名: {signer}）"),
        _ => String::new(),
    }
}

fn registry_verb(event: &Event) -> &'static str {
    match event.get(Field::EventType) {
        Some("CreateKey") => "のキーを作成",
        Some("DeleteKey") => "のキーを削除",
        Some("CreateValue") => "の値を作成",
        Some("DeleteValue") => "の値を削除",
        _ => "を作成または削除",
    }
}

fn done(event: &Event) -> &str {
    match event.get(Field::Operation) {
        Some("Created") => "作成",
        Some("Modified") => "変更",
        Some("Deleted") => "削除",
        Some(other) => other,
        None => "変更",
    }
}
