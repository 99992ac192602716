/** Japanese: what the server says in English. Its codes, and the messages that people meet often. */
export const CODES: Record<string, string> = {
  BAD_INPUT: "入力を受け付けられませんでした。",
  UNAUTHENTICATED: "ログインが必要です。",
  FORBIDDEN: "この操作は許可されていません。",
  NOT_FOUND: "見つかりませんでした。",
  CONFLICT: "いまの状態では実行できません。",
  TOO_MANY: "要求が多すぎます。しばらくしてからもう一度お試しください。",
  TOO_LARGE: "要求が大きすぎます。条件や件数を減らしてください。",
  UNAVAILABLE: "サーバーの準備ができていません。しばらくしてからもう一度お試しください。",
  INTERNAL: "サーバーで内部エラーが発生しました。",
};

/** What stands before words of the server that are not known. */
export const DETAIL = "サーバーの説明: ";

/** A whole message, and what it is in Japanese: `$1` is what the first part in brackets has held. */
export const MESSAGES: [RegExp, string][] = [
  [/^wrong name or password$/, "ユーザー名またはパスワードが違います。"],
  [/^log in first$/, "先にログインしてください。"],
  [/^too many failed logins: .*$/, "ログインの失敗が続きました。数分待ってからもう一度お試しください。"],
  [/^too many logins at once: .*$/, "ログインが集中しています。少し待ってからもう一度お試しください。"],
  [
    /^internal error: .* request (\S+)$/,
    "サーバーで内部エラーが発生しました。サーバーのログの要求 $1 に詳細があります。",
  ],
  [
    /^unknown field "(.*?)": .*$/,
    "「$1」というフィールドはありません。検索項目、Sysmon のフィールド、data.名前 のいずれかを指定してください。",
  ],
  [/^(\S+): EXISTS takes no values$/, "$1: 「存在する」には値を指定できません。"],
  [/^(\S+): \w+ needs at least one value, none of them empty$/, "$1: 空でない値が 1 つ以上必要です。"],
  [/^(\S+): more than (\d+) values$/, "$1: 値が $2 個を超えています。"],
  [/^(\S+): more than (\d+) patterns$/, "$1: パターンが $2 個を超えています。"],
  [
    /^(\S+): cidr needs a field that holds an address$/,
    "$1: 「ネットワーク内」はアドレスのフィールドにだけ使えます。",
  ],
  [/^(\S+): \w+ takes one value$/, "$1: 大小の比較に指定できる値は 1 つです。"],
  [
    /^(\S+): \w+ needs a number or time and a field that holds one, not "(.*)"$/,
    "$1: 大小の比較には数値か時刻が必要です（「$2」は比べられません）。",
  ],
  [/^(\S+): "(.*)" is not a network such as (\S+)$/, "$1: 「$2」はネットワークではありません（例: $3）。"],
  [/^(\S+): bad pattern: ([\s\S]*)$/, "$1: パターンの書き方が正しくありません。\n$2"],
  [
    /^(\S+): regular expression uses .* \((.*)\), which not every engine supports$/,
    "$1: 正規表現の $2 は使えません。どの検索エンジンでも動く書き方だけを受け付けます。",
  ],
  [/^condition has more than ([\d,]+) (?:values|patterns|comparisons)$/, "条件が大きすぎます（上限 $1）。"],
  [/^condition is nested deeper than (\d+)$/, "条件の入れ子が深すぎます（上限 $1 段）。"],
  [
    /^period: from \((.*)\) must be before to \((.*)\)$/,
    "期間の開始（$1）は終了（$2）より前でなければなりません。",
  ],
  [
    /^too many values have a part of this long text: .*$/,
    "この長い文字列の一部を含む値が多すぎます。別の部分を指定してください。",
  ],
  [
    /^the graph was rebuilt since this cursor was given: .*$/,
    "グラフが作り直されました。最初から読み直してください。",
  ],
  [/^this is no cursor of the graph$/, "続きの位置が正しくありません。最初から読み直してください。"],
  [/^the search was given up$/, "検索が中断されました。"],
  [/^the event store took too long$/, "イベントストアの応答に時間がかかりすぎました。"],
  [/^the server is busy: .*$/, "サーバーが混み合っています。少し待ってからもう一度お試しください。"],
  [/^the disk of the data folder is full$/, "サーバーのデータ用ディスクがいっぱいです。"],
  [
    /^no space left for uploads on the server's disk$/,
    "サーバーのディスクにアップロード用の空きがありません。",
  ],
  [/^Neo4j (?:cannot be reached|is busy or not ready)$/, "サーバーが Neo4j に接続できません。"],
  [
    /^too many (?:uploads|exports) at once: .*$/,
    "同時に行える数を超えています。しばらくしてからもう一度お試しください。",
  ],
  [/^the upload is empty$/, "ファイルが空です。"],
  [/^the upload (?:broke off|stopped: .*)$/, "アップロードが途中で切れました。"],
  [/^the archive is damaged: (.*)$/, "アーカイブが壊れています（$1）。"],
  [
    /^there is no such (?:event|rule|alert|job|user|host).*$/,
    "見つかりませんでした。削除された可能性があります。",
  ],
  [/^the caller has no such saved search$/, "この保存済み検索はありません。"],
  [/^a rule needs a title$/, "ルールには名前が必要です。"],
  [/^a name (?:has|must have) 1 to (\d+) characters$/, "名前は 1 文字以上 $1 文字以下にしてください。"],
  [/^Query is too complex\..*$/, "一度に求める量が多すぎます。"],
];
