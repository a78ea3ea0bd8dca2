# 店主の画面
screen-counter = 係員
screen-owner = 店主
key-counter = 係員へ
key-owner = 店主
key-x = 中間計
key-z = 締め
key-do-close = 今日を締める
count = { $count } 件

owner-reading = 今日の記録を読んでいます
owner-sales = 売上
owner-unsent = 未送信
owner-today = 今日
owner-yesterday = 昨日
owner-highest = 最大 { $yen }
owner-last = 最近の取引
owner-none = まだありません
owner-undecided = 結果待ち
owner-refused = 不成立
owner-kind-void = 取消
owner-kind-return = 返品
owner-kind-convert = 振替
owner-kind-link = 初回登録
owner-kind-unlink = 登録終了
owner-kind-reserve = 取り置き
owner-kind-release = 取り置きの返却
owner-kind-close = 締め

# 手当て
owner-nothing = 手当てが必要なものはありません
owner-needs = 手当てが必要なもの
owner-need-unknown = 処理未了 { $count } 件  自動で問い合わせています
owner-need-refused = あとから不成立 { $count } 件
owner-need-short = お店の負担 { $count } 件  あとからポイント不足
owner-need-promised = 付かなかったポイント { $count } 件  お客様にお伝えください
owner-need-unsent = 未送信 { $count } 件  回線がもどると送ります

# 締め
owner-ask-close = 今日を締めますか
owner-ask-close-empty = 前の締めのあと取引がありません。それでも締めますか
owner-say-close-empty = 取引のない日計が記録されます。Esc で何もせずに戻ります。
owner-say-close = 未送信の取引を送ってから、右の内容を日計（締め）として記録します。
owner-say-close-late = 結果がまだの取引は、次の締めに入ります。締めたあとも、お会計は続けられます。
owner-closing = 締めています
owner-say-closing = 未送信の取引を送っています。そのままお待ちください。
owner-closed = 締めました（第 { $number } 回）
owner-say-closed = 右の日計が記録されました。次の取引から、新しい日計に入ります。

report-x = 中間計
report-z = 日計（締め） 第 { $number } 回
report-sales = 売上
report-awards = 付与
report-voids = 取消
report-returns = 返品
report-refused = 不成立
report-conversions = 振替
report-late = 別の日に計上
report-converted-out = 振替元
report-converted-in = 振替先
report-short-redeemed = 残高不足のポイント
report-short-awarded = 付けられなかったポイント
report-undecided = 結果待ち（{ $count } 件）
report-perpetual = 累計

# ヘルプ
owner-how-figures = 上の4つの数字は、前回の締めから今までの合計です。
owner-how-needs = 下の一覧には、手当てが必要な取引と、次にすることが出ます。
owner-how-close = 1 は中間計を見るだけです。2 は確認のあとで締めます。

# 店主の番号
code-ask = 店主の番号を入力してください
code-wrong = 番号が違います（あと { $tries } 回）

# 取引を探す
key-search = 探す
owner-ask-search = 取引の番号か金額を入力してください
owner-say-search = 番号は控えの「01-」の後ろの数字です。金額は会計金額かお支払額です。
owner-not-found = 見つかりません
owner-ask-pick = 取引を選んでください
owner-found = 取引 { $number }
owner-say-found = 右がこの取引の控えです。

error-slip-missing = その取引は見つかりません
    .why = 番号にも金額にも、{ $number } の取引がこの端末の記録にありません。
    .todo = 控えの番号か金額を確かめてください。

# 係員の交代
screen-clerk = 係員の交代
key-clerk = 係員
clerk-ask = 係員を選んでください
clerk-ask-code = 係員 { $clerk } の暗証を入力してください
clerk-none = 係員が登録されていません。./kazasu clerk add 番号 で登録できます。

# 期間
period-today = 今日
period-yesterday = 昨日
period-week = 今週
period-month = 今月
period-whole = 合計
period-before = その前の期間
export-business-date = 営業日
export-time = 時刻
export-operation = 取引番号
export-kind = 種別
export-clerk = 係員
export-bill = 会計金額
export-redeemed = ポイント利用
export-awarded = ポイント付与
export-cash = 現金等
export-status = 結果
export-programmes = ポイント制度
export-reference = 参照
export-written = { $count } 件を { $path } に書き出しました。
posting-date = 日付
posting-debit = 借方勘定
posting-credit = 貸方勘定
posting-yen = 金額
posting-note = 摘要
account-cash = 現金
account-claim = 未収入金（ポイント）
account-loss = 雑損失（ポイント不足）
account-sales = 売上高
account-note = ポイント端末 日計
key-periods = 期間
owner-count = 件数
period-before-today = 昨日
period-before-yesterday = 一昨日
period-before-week = 先週
period-before-month = 先月
period-clerks = 係員別
period-programmes = 制度別（利用・付与）
