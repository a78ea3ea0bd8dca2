# コマンドの文
op-accepted =
    { $kind ->
        [balance] 残高照会: { $balances }　連携番号: { $linked }
        [sale] 完了 { $operation }　ポイント利用 { $redeemed } P　お支払額 { $due } 円　ポイント付与 { $awarded } P
        [award] 完了 { $operation }　ポイント付与 { $awarded } P
        [return] 返品を受け付けました { $operation }　お返しする金額 { $back } 円　戻るポイント { $back_points } P
        [convert] 振り替えました { $operation }　{ $redeemed } P を { $awarded } P に
        [reserve] この店で使う分を取り置きました { $operation }　{ $reserved } P
        [release] 取り置きを戻しました { $operation }
        [unlink] 取りやめました { $operation }
        [link] 初回登録が終わりました。{ $operation }
        [void] 取り消しました。{ $operation }
        [close] 締めました。{ $operation }
       *[other] 完了 { $operation }
    }
op-queued = 受け付けました。回線が戻りしだい送ります。{ $operation }
op-cut-redeem = 使えなかったポイント { $points } P（{ $programme }）
op-cut-award = 付かなかったポイント { $points } P（{ $programme }）
op-short-todo = { $due } 円をお受け取りください。または ./kazasu op void で取り消してください。
op-pin = 暗証番号（4桁、残り回数 { $tries }）:
clerk-code = 係員の暗証（4〜8桁）:
clerk-added = 係員 { $clerk } を登録しました。
clerk-removed = 係員 { $clerk } の登録を消しました。
error-clerk-number-wrong = 係員の番号として使えません
    .why = 1〜16文字の数字か英字で決めます。
    .todo = ほかの番号にしてください。
error-clerk-code-wrong = 係員の暗証として使えません
    .why = 4〜8桁の数字を、入力するか --code-fd で渡します。
    .todo = ほかの数字にしてください。
error-clerk-unknown = その係員はいません
    .why = この番号の係員は登録されていません。
    .todo = ./kazasu clerk list で番号を確かめてください。
error-clerks-damaged = 係員のファイルが壊れています
    .why = { $path } を読めません。
    .todo = このファイルを別の場所へ移し、./kazasu clerk add で登録し直してください。
enrolled = { $shop } の端末 { $terminal } として登録しました。

error-tap-timeout = カードがかざされませんでした
    .why = 待ち時間が過ぎました。
    .todo = もう一度始めて、カードをかざしてください。
error-practice-card-needed = かざすカードがありません
    .why = 練習モードで、リーダーがありません。
    .todo = --card で練習用カードを選んでください（{ $cards }）。
error-practice-card-unknown = 練習用カード { $card } はありません
    .why = 使えるのは { $cards } です。本番の端末では練習用カードは使えません。
    .todo = カードの名前を確かめてください。
error-pin-not-given = 暗証番号が入力されていません
    .why = この操作にはカードの持ち主の暗証番号が必要です。
    .todo = 端末の前で実行するか、--pin-fd で渡してください。
error-outcome-unknown = 処理未了です
    .why = 送りましたが、返事がありません。二重に引かれることはありません。
    .todo = ./kazasu queue sync で再送信するか、./kazasu op void でこの番号を取り消してください。
error-option-invalid = { $option } の値が正しくありません
    .why = 決められた形ではありません。
    .todo = ./kazasu op --help で確かめてください。
error-not-enrolled = この端末はまだ登録されていません
    .why = 台帳の端末として登録されていないため、練習モードで動きます。
    .todo = 事務局から登録コードを受け取り、./kazasu enrol コード --ledger URL を実行してください。
error-already-enrolled = この端末は登録済みです
    .why = { $path } があります。登録し直すと、今までの記録が台帳とつながらなくなります。
    .todo = 別の端末にするときは、--home で別のデータフォルダーを指定してください。
error-already-enrolled-unsent = この端末は登録済みで、未送信が { $unsent } 件あります
    .why = { $path } があります。未送信のまま別の端末にすると、その取引が台帳に届きません。
    .todo = 先に kazasu queue sync で送ってください。そのあと、--home で別のデータフォルダーを指定してください。
error-enrolment-damaged = 登録の情報が壊れています
    .why = { $path } を読めません。
    .todo = 事務局に新しい登録コードを頼み、新しいデータフォルダーで登録してください。
error-enrolment-newer = 新しい版で作られた登録の情報です
    .why = { $path } を、この版は読めません。ファイルには触れていません。
    .todo = kazasu を最新の版にしてください。
error-terminal-key-damaged = 端末の鍵が使えません
    .why = { $path } がないか、読めません。
    .todo = 事務局に新しい登録コードを頼み、新しいデータフォルダーで登録してください。
error-sqlite-old = SQLite が古すぎます
    .why = 版 { $version } では記録を保存できません（3.37 以上が必要です）。
    .todo = 新しい Python か OS に更新してください。
error-sqlite-wal-bug = SQLite に既知の不具合があります
    .why = 版 { $version } は、二つの接続から同時に書くとファイルが壊れることがあります。記録は一つの接続で書くので影響しません。
    .todo = 台帳をこの機械で動かすときは、OS を更新してください。
error-ledger-unreachable = 台帳につながりません
    .why = { $url } から返事がありません。
    .todo = 回線と台帳の住所を確かめてください。付与はつながるまでたまります。
error-clock-off = 時計がずれています
    .why = 台帳の時計と { $seconds } 秒ずれています。
    .todo = この機械の日付と時刻を合わせてください。
error-doctor-pcsc-down = カードリーダーのサービスが動いていません
    .why = PC/SC サービスから応答がありません。
    .todo = sudo systemctl enable --now pcscd.socket を実行してください。なければ sudo apt-get install pcscd で入れます。
error-doctor-pcsc-forbidden = カードリーダーの使用が許されていません
    .why = 画面の前にいない利用者は、既定では PC/SC サービスを使えません（polkit）。
    .todo = /etc/polkit-1/rules.d に、この利用者の org.debian.pcsc-lite.access_pcsc と access_card を許す規則を置いてください。
error-target-unknown = その番号の操作がありません
    .why = この端末のお会計にも付与にも、その番号はありません。
    .todo = 控えの番号を確かめてください。
error-broken = かざすが止まりました
    .why = プログラムの誤りです（{ $name }）。
    .todo = 操作の結果が分かるまで、やり直さないでください。{ $path } を事務局に送ってください。
error-no-terminal = 画面がありません
    .why = 標準入力か出力が端末ではありません。
    .todo = 端末のウィンドウで ./kazasu を実行してください。画面なしなら ./kazasu op を使います。
error-output-failed = 結果を書き出せません
    .why = 標準出力に書けません：{ $reason }。
    .todo = 原因を直してください。コマンドの処理は済んでいます。./kazasu queue status で確かめられます。
error-file-missing = ファイルがありません
    .why = { $path } が見つかりません。
    .todo = パスを確かめてください。
error-file-forbidden = ファイルを使えません
    .why = { $path }：{ $reason }。
    .todo = 所有者とアクセス権を確かめてください。
error-file-wrong-kind = 別の種類のファイルがあります
    .why = { $path }：{ $reason }。
    .todo = それを除くか、別のパスを指定してください。
error-no-space = ディスクがいっぱいです
    .why = { $path }：{ $reason }。
    .todo = 不要なものを消して、もう一度お試しください。
error-address-in-use = そのアドレスは使われています
    .why = 別のプログラムが待ち受けています：{ $reason }。
    .todo = それを止めるか、別のポートを指定してください。
error-system-error = OS に断られました
    .why = { $path }：{ $reason }。
    .todo = 原因を直して、もう一度お試しください。./kazasu doctor で確かめられます。

doctor-good = 良好
doctor-note = 注意
doctor-wrong = 異常
doctor-sqlite = SQLite
doctor-directory = データフォルダー
doctor-anchors = 追加の認証局
doctor-enrolment = 端末の登録
doctor-journal = 記録のつながり（件）
doctor-reader = カードリーダー
doctor-ledger = 台帳
doctor-zone = 時間帯
doctor-clock = 時計のずれ（秒）
doctor-version = バージョン
doctor-settings = 設定
error-plain-http = 台帳までの通信が守られていません
    .why = { $url } は暗号化のない HTTP で、途中でのぞかれたり、書き換えられたりするおそれがあります。
    .todo = https の住所を使ってください。それでも使うときは、設定の [ledger] に plain_http = true と書きます。
