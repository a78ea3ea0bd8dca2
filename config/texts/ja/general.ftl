# 全体で使う文
language-name = 日本語
error-unexpected = 処理できませんでした
    .why = 思いがけないことが起きました。
    .todo = もう一度お試しください。続くときは ./kazasu doctor を実行してください。
error-settings-invalid = 設定ファイルに誤りがあります
    .why = { $path } の { $line } 行目、{ $key }: { $reason }
    .todo = その行を直して、もう一度起動してください。
error-my-number-refused = この番号は入力できません
    .why = マイナンバー（個人番号12桁）のように見えます。個人番号は使いません。
    .todo = 正しい番号を入力してください。
