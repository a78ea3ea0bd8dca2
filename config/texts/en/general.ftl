# Sentences used everywhere
language-name = English
error-unexpected = That did not work
    .why = Something unexpected happened.
    .todo = Try again. If it goes on, run ./kazasu doctor.
error-settings-invalid = The settings file has a mistake
    .why = { $path }, line { $line }, { $key }: { $reason }
    .todo = Mend that line and start again.
error-my-number-refused = This number cannot be entered
    .why = It looks like an Individual Number (12 digits), which is never used here.
    .todo = Enter the right number.
