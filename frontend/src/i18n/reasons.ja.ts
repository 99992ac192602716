/**
 * Japanese: why a record of a log or a part of a file of indicators is of no use, as the server says it in English.
 * `$1` is what the first part in brackets has held.
 */
export const REASONS: [RegExp, string][] = [
  [/^empty file$/, "ファイルが空です"],
  [
    /^unknown format: expected .*$/,
    "形式が分かりません。EVTX、Windows イベントの XML または JSON（圧縮なし、または gzip、zstd、zip）を指定してください",
  ],
  [/^neither a file nor a folder$/, "ファイルでもフォルダーでもありません"],
  [/^cannot be (?:opened|read): (.*)$/, "開けません（$1）"],
  [/^cannot be read further: (.*)$/, "この先を読み取れません（$1）"],
  [/^cannot be decompressed: (.*)$/, "展開できません（$1）"],
  [/^cannot be unpacked completely: (.*)$/, "最後まで展開できません（$1）"],
  [/^not a readable zip archive: (.*)$/, "読み取れる ZIP ではありません（$1）"],
  [
    /^archives nested deeper than (\d+) levels are not opened$/,
    "$1 段より深く入れ子になったアーカイブは開きません",
  ],
  [/^not a readable event log: (.*)$/, "読み取れるイベントログではありません（$1）"],
  [
    /^the file ends inside the log: (\d+) whole chunks of (.*); the rest of it is missing$/,
    "ログの途中でファイルが終わっています（完全なチャンク $1 個、本来は $2）",
  ],
  [/^bad record: (.*)$/, "レコードが壊れています（$1）"],
  [/^bad XML: (.*)$/, "XML の書き方が正しくありません（$1）"],
  [/^bad JSON: (.*)$/, "JSON の書き方が正しくありません（$1）"],
  [/^bad CSV: (.*)$/, "CSV の書き方が正しくありません（$1）"],
  [/^not UTF-8: (.*)$/, "UTF-8 ではありません（$1）"],
  [/^not a JSON object$/, "JSON のオブジェクトではありません"],
  [/^EventData is not JSON: (.*)$/, "EventData が JSON ではありません（$1）"],
  [/^XML without any <Event> element$/, "<Event> 要素のない XML です"],
  [/^text outside of any event$/, "イベントの外にある文字列です"],
  [/^an event without its end tag$/, "イベントの終了タグがありません"],
  [/^the input ends inside this (?:event|record)$/, "途中で入力が終わっています"],
  [/^the input ends inside this (?:event|record): (.*)$/, "途中で入力が終わっています（$1）"],
  [/^an? (?:event|record) of more than (\d+) MiB$/, "1 件が $1 MiB を超えています"],
  [/^not an event in a known layout \((.*)\)$/, "知られた形式（$1）のイベントではありません"],
  [/^no System section$/, "System の部分がありません"],

  [/^no value$/, "値がありません"],
  [/^the value is too long$/, "値が長すぎます"],
  [/^not shown by Sysmon$/, "Sysmon には現れません"],
  [/^(.*): nothing that Sysmon shows$/, "$1: Sysmon に現れるものがありません"],
  [/^(.*): a fuzzy hash, not shown by Sysmon$/, "$1: あいまいハッシュは Sysmon には現れません"],
  [/^not a range of addresses$/, "アドレスの範囲ではありません"],
  [/^not an address$/, "アドレスではありません"],
  [
    /^several files, (.*) '(.*)' and '(.*)': no single event shows them$/,
    "複数のファイル($1「$2」と「$3」)です。1つのイベントには現れません",
  ],
  [
    /^taxonomy '(.*)': its fields are not those of Sigma$/,
    "タクソノミー「$1」のフィールドは Sigma のものではありません",
  ],
  [/^taxonomy: no text$/, "taxonomy が文字列ではありません"],
  [/^observed data without objects$/, "観測データにオブジェクトがありません"],
  [/^'(.*)' has no path$/, "「$1」にパスがありません"],
  [/^too many references to large objects$/, "大きなオブジェクトへの参照が多すぎます"],
  [
    /^a network of IPv6 at one end of a connection$/,
    "接続の一方の端にある IPv6 のネットワークは調べられません",
  ],
  [/^a network of all addresses$/, "すべてのアドレスを含むネットワークです"],
  [
    /^Sysmon does not write the hive of the current hardware profile$/,
    "現在のハードウェアプロファイルのハイブは Sysmon に現れません",
  ],
  [/^not a network$/, "ネットワークではありません"],
  [/^not a port$/, "ポートではありません"],
  [/^not a domain$/, "ドメインではありません"],
  [/^not a hash of this kind$/, "この種類のハッシュではありません"],
  [/^not a single value$/, "単一の値ではありません"],
  [/^not a regular expression: (.*)$/, "正規表現ではありません（$1）"],
  [/^this comparison has no meaning for events$/, "この比較はイベントには使えません"],
  [/^a part of an address without its host$/, "ホストを含まない URL の一部です"],
  [/^no host in it$/, "ホストを含んでいません"],
  [
    /^a variable of the environment, which has another value on each machine$/,
    "環境変数の値は端末ごとに異なります",
  ],
  [/^neither a type nor a value that tells it$/, "種類の指定がなく、値からも分かりません"],
  [
    /^'(.*)' is no hash, address, domain or path$/,
    "「$1」はハッシュ、アドレス、ドメイン、パスのいずれでもありません",
  ],
  [/^observed, but part of no indicator$/, "観測されたものですが、どの指標にも含まれていません"],
  [/^no kind of event shows all of it at once: (.*)$/, "すべてを同時に示すイベントの種類がありません: $1"],
  [/^it only says what must not be there: (.*)$/, "あってはならないものだけが書かれています: $1"],
  [/^the indicator was revoked$/, "取り消された指標です"],
  [/^an indicator without a pattern$/, "パターンのない指標です"],
  [/^an indicator without (?:items|an observable)$/, "内容のない指標です"],
  [/^an object without properties$/, "プロパティのないオブジェクトです"],
  [/^an observable without an object$/, "オブジェクトのない観測対象です"],
  [/^a hash without a value$/, "値のないハッシュです"],
  [
    /^a pattern of type '(.*)', which Sysmon events cannot be matched with$/,
    "種類「$1」のパターンは Sysmon のイベントと照合できません",
  ],
  [/^'(.*)' is not in the file$/, "「$1」がファイルにありません"],
  [
    /^a search takes at most (\d+) (?:comparisons|values|patterns); import the file as indicators instead$/,
    "検索に入れられる数（$1）を超えています。指標として取り込んでください",
  ],
  [
    /^'(.*)' is joined from the start of the process, which a search does not do$/,
    "「$1」はプロセスの開始から補う値で、検索では使えません",
  ],
  [/^its rule cannot be matched: (.*)$/, "ルールを照合に使えません（$1）"],
  [/^JSON that is neither STIX nor MISP: .*$/, "STIX でも MISP でもない JSON です"],
  [/^CSV without a column 'value'$/, "「value」列のない CSV です"],
  [/^the file is empty$/, "ファイルが空です"],
  [/^more than (\d+) objects: split the file$/, "オブジェクトが $1 個を超えています。分割してください"],
  [
    /^no line of it is a hash, address, domain or path, and no format of indicators is recognised$/,
    "ハッシュ、アドレス、ドメイン、パスの行がなく、指標の形式も分かりません",
  ],
  [
    /^XML of a kind that is not known here: its root is <(.*)>, not STIX or OpenIOC$/,
    "STIX でも OpenIOC でもない XML です（ルート要素は <$1>）",
  ],
];

/** What stands before a reason, and the reason behind it: told in two parts. */
export const BEFORE: [RegExp, string][] = [
  [/^not in the search \(indicators: (\d+)\): ([\s\S]*)$/, "検索に入れられません（指標 $1 件）: "],
  // What a report calls the value, and the value.
  [/^(\S[^']* '[\s\S]*'): ([^']*)$/, "$1: "],
];
