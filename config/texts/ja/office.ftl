# kazasu ledger：事務局のコマンドが答えること
office-dry-run = 確かめただけです。何も変えていません。
office-rules = { $programme } 第{ $version }版（{ $since }から）
office-shop = 加盟店 { $shop } { $name }
office-signing-key = 応答の署名は { $number } 番目の鍵（{ $print }）で行っています。
office-withdrawn = 端末 { $terminal } からは、もう何も受け付けません。
office-tokens-withdrawn = トークン { $count } 件を取り消しました。
office-stopped = { $mykey } を利用停止にしました。次の要求から効きます。
office-resumed = { $mykey } の利用停止を解きました。
office-lapses = { $programme } の { $points } ポイントは失効します。
office-unlinks = { $service } の番号 { $number } の連携は解除されます。
office-left = 退会しました。カード、番号、ポイントの記録は残っていません。
office-revocations = { $path }：失効 { $count } 件
office-award = { $lines } 行、{ $people } 人、{ $points } ポイント
office-award-known = このファイルはすでに付与済みです。何も変えていません。
office-tidied = 期限の過ぎたポイントを失効させ、終わった日の合計をまとめました。
office-shred-when = --before は今月までの月で（例：2026-08）。
office-shredded = 破棄した鍵の月：{ $months }
office-workers = 複数のプロセスには PostgreSQL が要ります：--points-url と --identity-url を指定してください。
office-columns-list = 種類,コード,名称,版,適用開始日
office-columns-totals = ポイント制度,発行,残高,請求,失効,振替,不足分
office-columns-claims = 営業日,ポイント制度,請求
office-columns-audit = 日時,係員,操作,内容

# ルールのファイルの誤り
rules-encoding = 文字コードが UTF-8 ではありません。
rules-encoding-named = 文字コードが { $found } です。UTF-8 で保存し直してください。
rules-no-toml = TOML として読めません。括弧、引用符、= の抜けや、同じ項目の重なりがないか見てください。
rules-number = ここには整数を書いてください。
rules-yes-no = ここには true か false を書いてください。
rules-day = ここには日付を書いてください（例：2026-04-01）。
rules-text = ここには "…" で囲んだ文字を書いてください。
rules-list = ここには [ … ] で囲んだ並びを書いてください。
rules-table = ここには { "{" } … { "}" } で囲んだ項目の組を書いてください。
rules-out-of-bounds = { $lowest } から { $highest } までにしてください。
rules-one-of = 「{ $value }」は選べません。次のどれかです：{ $allowed }
rules-too-many = 数が多すぎます（{ $max_length } まで）。
rules-no-code = 「{ $value }」はコードの書き方と違います。自治体のポイントは6桁の数字（252034）、商店街のポイントは 252034-MIHON、加盟店は 252034-0001、理由は英小文字（volunteering）です。
rules-points-or-up-to = points（決まった数）か up_to（上限）の、どちらか一つを書いてください。
rules-days-with-extend = days は lapsed = "extend" のときだけ、必ず書いてください。
rules-converts-elsewhere = { $programme } は、同じ自治体のほかのポイント制度ではありません。
rules-missing = この項目がありません。
rules-unknown-key = このような項目はありません。
rules-municipality-unknown = { $code } という全国地方公共団体コードはありません。
rules-shop-elsewhere = { $shop } はほかの自治体の加盟店です。
rules-version-taken = { $programme } 第{ $version }版は、違う内容ですでにあります。版を上げてください。
rules-version-order = { $programme } 第{ $version }版の適用開始日が、ほかの版と前後しています。
rules-programme-unknown = { $programme } というポイント制度はありません。
rules-paid-earned = 有償のポイントは、会計では付与できません。
rules-paid-converted = 無償のポイントを、有償の { $programme } に振り替えることはできません。
rules-over-generous = ほかの制度と合わせると、払った円より多くのポイントが付きます。
rules-gain = { $programme } から振り替えて戻すと、元より多くなります。

# 名前や覚え書きの文字（text-…）
text-empty = 文字がありません。
text-long = 長すぎます。{ $chars } 文字までにしてください。
text-wide = 長すぎます。全角 { $chars } 文字分の幅までにしてください。
text-control = 改行や制御文字は使えません。
text-direction = 文字の向きを変える見えない文字は使えません。
text-invisible = 見えない文字が入っています。打ち直してください。
text-unassigned = どの機械でも同じに読める文字ではありません（外字など）。
text-marks = 一つの文字に記号が重なりすぎています。
text-my-number = 個人番号と思われる数字があります。個人番号は使えません。

error-text-wrong = この文字は使えません
    .why = { $field }：{ $reason }
    .todo = 直して、もう一度実行してください。何も変えていません。

# 付与ファイルの誤り
award-line = { $line } 行目：{ $sentence }
award-lines-wrong = 誤りのある行：{ $count }
award-line-header = 1行目は「マイキーID,ポイント制度,ポイント,理由」の4列だけにしてください（今は：{ $told }）。
award-line-encoding = 文字コードがほかの行と違います。
award-line-too-long = 行が長すぎます。
award-line-quotes = 引用符（"）が閉じていません。
award-line-columns = 列の数が違います（{ $told }）。
award-line-my-number = 個人番号と思われる数字があります。個人番号は使えません。
award-line-who = 「{ $told }」はマイキーIDでも連携番号（library:0042）でもありません。
award-line-programme = 「{ $told }」はポイント制度のコードではありません。
award-line-municipality = 全国地方公共団体コード { $told } は検査数字が違うか、ありません。
award-line-points = 「{ $told }」は1から9999999までの整数ではありません。
award-line-mykey-unknown = その番号の登録がありません。
award-line-programme-unknown = { $told } というポイント制度は、この自治体にありません。
award-line-reason-unknown = 「{ $told }」という理由は、ポイント制度のルールにありません。
award-line-reason-points = この理由では { $told } ポイントを付与できません。
award-line-ended = { $told } のポイントは、すべて有効期限が過ぎています。

error-rules-invalid = ルールを読み込めません
    .why = { $path } の { $line } 行目、{ $key }：{ $reason }
    .todo = その行を直し、もう一度読み込んでください。何も変えていません。
error-award-file-wrong = 付与していません
    .why = 誤りのある行があるか、付与する行がありません。
    .todo = 行を直して、ファイル全体をもう一度渡してください。
error-totals-wrong = 合計が合いません
    .why = { $programmes } の発行と、残高・請求・失効・振替・不足分の合計が違います。
    .todo = 台帳のバックアップを取り、開発元へ連絡してください。
error-leave-unconfirmed = まだ退会していません
    .why = 上のことをご本人に伝え、確かめてからにします。
    .todo = ご本人が望むときは --yes を付けて実行してください。
error-database-unreachable = 台帳のデータベースを開けません
    .why = 接続先か権限に誤りがあるか、止まっています（{ $error }）。
    .todo = --points-url と --identity-url、データベースの状態を確かめてください。
error-shop-code-wrong = 加盟店コードの書き方が違います
    .why = 「{ $given }」は、全国地方公共団体コード6桁と4桁の番号ではありません。
    .todo = 252034-0001 のように書いて、もう一度実行してください。
error-shop-full = この加盟店の端末番号は使い切りました
    .why = 端末番号は 99 までで、同じ番号は二度使いません。
    .todo = 新しい店舗コードを登録してください。
error-municipality-unknown = その自治体はありません
    .why = 全国地方公共団体コードの検査数字が違うか、コードがありません。
    .todo = コードの6桁を確かめてください。
error-terminal-unknown = その端末はありません
    .why = 端末番号が登録されていません。
    .todo = ./kazasu ledger list で端末番号を確かめてください。
error-version-taken = その版はすでにあります
    .why = 同じ版のルールが、違う内容で登録されています。
    .todo = 版を上げて、もう一度読み込んでください。
