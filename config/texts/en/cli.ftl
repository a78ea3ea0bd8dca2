# What commands say
op-accepted =
    { $kind ->
        [balance] Balance: { $balances }  linked: { $linked }
        [sale] Done { $operation }  redeemed { $redeemed } P  amount due { $due } yen  awarded { $awarded } P
        [award] Done { $operation }  awarded { $awarded } P
        [return] Taken back { $operation }  to give back { $back } yen  points back { $back_points } P
        [convert] Exchanged { $operation }  { $redeemed } P became { $awarded } P
        [reserve] set aside for this shop { $operation }  { $reserved } P
        [release] given back { $operation }
        [unlink] Given up { $operation }
        [link] First registration is done. { $operation }
        [void] Voided. { $operation }
        [close] The day is closed. { $operation }
       *[other] Done { $operation }
    }
op-queued = Taken. It is sent as soon as the line is back. { $operation }
op-cut-redeem = Not taken: { $points } P ({ $programme })
op-cut-award = Not given: { $points } P ({ $programme })
op-short-todo = Collect { $due } yen, or void it with ./kazasu op void.
op-pin = PIN (4 digits, tries left { $tries }):
clerk-code = Code (4 to 8 digits):
clerk-added = Clerk { $clerk } can sign on.
clerk-removed = Clerk { $clerk } can sign on no more.
error-clerk-number-wrong = This is no clerk's number
    .why = It has 1 to 16 digits or letters.
    .todo = Choose another number.
error-clerk-code-wrong = This is no clerk's code
    .why = It has 4 to 8 digits, and is typed or handed over with --code-fd.
    .todo = Choose another code.
error-clerk-unknown = There is no such clerk
    .why = Nobody with this number is kept here.
    .todo = See ./kazasu clerk list for the numbers.
error-clerks-damaged = The file of the clerks is damaged
    .why = { $path } cannot be read.
    .todo = Take it away, and add the clerks anew with ./kazasu clerk add.
enrolled = This machine is terminal { $terminal } of { $shop }.

error-tap-timeout = No card was held over the reader
    .why = The time to wait is over.
    .todo = Start again and hold the card over the reader.
error-practice-card-needed = There is no card to read
    .why = This is practice mode, and there is no reader.
    .todo = Choose a practice card with --card ({ $cards }).
error-practice-card-unknown = There is no practice card { $card }
    .why = There are: { $cards }. An enrolled terminal takes none.
    .todo = Check the card's name.
error-pin-not-given = The PIN was not given
    .why = This needs the PIN of the card's holder.
    .todo = Run it at a terminal, or hand the PIN over with --pin-fd.
error-outcome-unknown = Outcome unknown
    .why = It was sent, and no answer came. Nothing is charged twice.
    .todo = Resend with ./kazasu queue sync, or void this number with ./kazasu op void.
error-option-invalid = The value of { $option } is not right
    .why = It does not have the agreed form.
    .todo = See ./kazasu op --help.
error-not-enrolled = This machine is not enrolled
    .why = It is no ledger's terminal yet, so it works in practice mode.
    .todo = Get a code from the office and run ./kazasu enrol CODE --ledger URL.
error-already-enrolled = This machine is enrolled already
    .why = { $path } is there. Enrolling anew would part the records here from the ledger.
    .todo = For another terminal, name another data directory with --home.
error-already-enrolled-unsent = This machine is enrolled already, and { $unsent } of its operations are not sent yet
    .why = { $path } is there. As another terminal it would no longer bring them to the ledger.
    .todo = Send them first: kazasu queue sync. Then name another data directory with --home.
error-enrolment-damaged = The enrolment is damaged
    .why = { $path } cannot be read.
    .todo = Ask the office for a new code and enrol in a new data directory.
error-enrolment-newer = The enrolment was written by a newer version
    .why = This version cannot read { $path }. The file was not touched.
    .todo = Update kazasu.
error-terminal-key-damaged = The terminal's key cannot be used
    .why = { $path } is missing or cannot be read.
    .todo = Ask the office for a new code and enrol in a new data directory.
error-sqlite-old = SQLite is too old
    .why = Version { $version } cannot keep the journal; 3.37 or newer is needed.
    .todo = Update Python or the operating system.
error-sqlite-wal-bug = SQLite has a known defect
    .why = Version { $version } may damage a file that two connections write at once. The journal is written by one.
    .todo = Update the operating system before you run a ledger on this machine.
error-ledger-unreachable = The ledger cannot be reached
    .why = { $url } does not answer.
    .todo = Check the line and the address. Awards wait until it answers.
error-clock-off = The clock is wrong
    .why = It differs from the ledger's by { $seconds } seconds.
    .todo = Set this machine's date and time.
error-doctor-pcsc-down = The card reader service is not running
    .why = The PC/SC service does not answer.
    .todo = Run sudo systemctl enable --now pcscd.socket; where it is missing, sudo apt-get install pcscd.
error-doctor-pcsc-forbidden = The card reader may not be used
    .why = By default polkit lets only a user who sits at this machine at the PC/SC service.
    .todo = In /etc/polkit-1/rules.d, allow this user org.debian.pcsc-lite.access_pcsc and access_card.
error-target-unknown = There is no such operation
    .why = No sale or award of this terminal has that number.
    .todo = Check the number on the slip.
error-broken = Kazasu broke down
    .why = This is a defect of the program ({ $name }).
    .todo = Do not repeat an operation before you know what became of it. Send the office { $path }.
error-no-terminal = There is no screen here
    .why = Standard input or output is not a terminal.
    .todo = Start ./kazasu in a terminal window; without a screen, use ./kazasu op.
error-output-failed = The answer could not be written
    .why = Standard output refuses it: { $reason }.
    .todo = Mend that. What the command did stands; see ./kazasu queue status.
error-file-missing = A file is missing
    .why = { $path } is not there.
    .todo = Check the path.
error-file-forbidden = A file may not be used
    .why = { $path }: { $reason }.
    .todo = Check whose file it is, and its permissions.
error-file-wrong-kind = A file stands where another kind is needed
    .why = { $path }: { $reason }.
    .todo = Take it away, or name another path.
error-no-space = The disk is full
    .why = { $path }: { $reason }.
    .todo = Delete what is not needed and try again.
error-address-in-use = The address is in use
    .why = Another program listens there: { $reason }.
    .todo = Stop it, or choose another port.
error-system-error = The operating system refused something
    .why = { $path }: { $reason }.
    .todo = Mend that and try again; ./kazasu doctor helps to look.

doctor-good = good
doctor-note = note
doctor-wrong = WRONG
doctor-sqlite = SQLite
doctor-directory = Data directory
doctor-anchors = Added authorities
doctor-enrolment = Enrolment
doctor-journal = Journal chain (entries)
doctor-reader = Card reader
doctor-ledger = Ledger
doctor-zone = Time zone
doctor-clock = Clock differs by (seconds)
doctor-version = Version
doctor-settings = Settings
error-plain-http = The way to the ledger is not guarded
    .why = { $url } is plain HTTP, and somebody could stand in between.
    .todo = Use an https address. To go on all the same, set plain_http = true under [ledger] in the settings.
