# kazasu ledger: what the office's commands answer
office-dry-run = This was only a look: nothing has changed.
office-rules = { $programme } version { $version } (from { $since })
office-shop = Shop { $shop } { $name }
office-signing-key = Answers are signed with key { $number }, { $print }
office-withdrawn = Nothing more is taken from terminal { $terminal }.
office-tokens-withdrawn = Tokens withdrawn: { $count }
office-stopped = { $mykey } is suspended, from the next request on.
office-resumed = { $mykey } is no longer suspended.
office-lapses = { $points } points of { $programme } lapse.
office-unlinks = The number { $number } of { $service } is unlinked.
office-left = Done: no record remains of the card, the numbers and the points.
office-revocations = { $path }: { $count } revoked
office-award = Lines: { $lines }, people: { $people }, points: { $points }
office-award-known = This file was awarded already: nothing has changed.
office-tidied = What has lapsed is taken out, and the totals of past days are added up.
office-shred-when = --before takes a month up to this one, as 2026-08.
office-shredded = Keys destroyed of: { $months }
office-workers = Several processes need PostgreSQL: give --points-url and --identity-url.
office-columns-list = kind,code,name,version,effective from
office-columns-totals = programme,issued,held,claimed,lapsed,converted,overdraft
office-columns-claims = business date,programme,claim
office-columns-audit = at,who,action,detail

# Mistakes in a rules file
rules-encoding = The file is not in UTF-8.
rules-encoding-named = The file is in { $found }: save it as UTF-8.
rules-no-toml = This is not TOML: look for a missing bracket, quotation mark or =, or a key that stands there twice.
rules-number = A whole number must stand here.
rules-yes-no = true or false must stand here.
rules-day = A day must stand here, as 2026-04-01.
rules-text = A text in "…" must stand here.
rules-list = A list in [ … ] must stand here.
rules-table = A group of keys in { "{" } … { "}" } must stand here.
rules-out-of-bounds = It must be from { $lowest } to { $highest }.
rules-one-of = "{ $value }" is no choice here. One of these is: { $allowed }
rules-too-many = There are too many of them (at most { $max_length }).
rules-no-code = "{ $value }" is not written as a code: a municipality's points are six digits (252034), a street's 252034-MIHON, a shop 252034-0001, a reason small letters (volunteering).
rules-points-or-up-to = Give either points (exactly so many) or up_to (a ceiling).
rules-days-with-extend = days must stand beside lapsed = "extend", and nowhere else.
rules-converts-elsewhere = { $programme } is not another programme of the same municipality.
rules-missing = This field is missing.
rules-unknown-key = There is no such field.
rules-municipality-unknown = There is no municipality with the code { $code }.
rules-shop-elsewhere = { $shop } is another municipality's shop.
rules-version-taken = { $programme } version { $version } is there already, with other rules: raise the version.
rules-version-order = { $programme } version { $version } does not take effect after the version before it.
rules-programme-unknown = There is no programme { $programme }.
rules-paid-earned = Paid points cannot be earned with a bill.
rules-paid-converted = Free points cannot become paid points of { $programme }.
rules-over-generous = Together with the other programmes a bill would earn more points than it has yen.
rules-gain = Points of { $programme }, converted in a circle, come back as more.

# Names and notes (text-…)
text-empty = There is nothing in it.
text-long = It is too long: at most { $chars } characters.
text-wide = It is too wide: at most { $chars } wide characters.
text-control = Line breaks and control characters cannot be used.
text-direction = Invisible characters that turn the direction of writing cannot be used.
text-invisible = There are invisible characters in it: type it again.
text-unassigned = It has a character that not every machine reads alike (such as a private one).
text-marks = Too many marks are stacked on one character.
text-my-number = It has what looks like a My Number, which is never accepted.

error-text-wrong = This text cannot be used
    .why = { $field }: { $reason }
    .todo = Mend it and run it again. Nothing has changed.

# Mistakes in a file of awards
award-line = line { $line }: { $sentence }
award-lines-wrong = Lines that are wrong: { $count }
award-line-header = The first line must be the four columns who,programme,points,reason (found: { $told }).
award-line-encoding = It is in another encoding than the other lines.
award-line-too-long = The line is too long.
award-line-quotes = A quotation mark is not closed.
award-line-columns = The number of columns is different ({ $told }).
award-line-my-number = It has what looks like a My Number, which is never accepted.
award-line-who = "{ $told }" is neither a MyKey ID nor a linked number (library:0042).
award-line-programme = "{ $told }" is not a programme's code.
award-line-municipality = The municipality code { $told } has a wrong check digit, or is nobody's.
award-line-points = "{ $told }" is not a whole number from 1 to 9999999.
award-line-mykey-unknown = Nobody is registered under this number.
award-line-programme-unknown = This municipality has no programme { $told }.
award-line-reason-unknown = The programme's rules have no reason "{ $told }".
award-line-reason-points = For this reason { $told } points cannot be awarded.
award-line-ended = All points of { $told } have lapsed.

error-rules-invalid = The rules cannot be taken in
    .why = { $path }, line { $line }, { $key }: { $reason }
    .todo = Mend that line and run it again. Nothing has changed.
error-award-file-wrong = Nothing was awarded
    .why = Some of the file's lines are wrong, or there is none.
    .todo = Mend them and give the whole file again.
error-totals-wrong = The totals do not agree
    .why = Of { $programmes }, what was issued is not what is held, claimed, lapsed, converted and owed.
    .todo = Back the ledger up and call its maker.
error-leave-unconfirmed = Nothing has been done yet
    .why = The holder should hear the above first.
    .todo = If that is their wish, run it again with --yes.
error-database-unreachable = The ledger's database cannot be opened
    .why = Its address or permission is wrong, or it is down ({ $error }).
    .todo = Check --points-url and --identity-url, and whether the database runs.
error-shop-code-wrong = This is not written as a shop's code
    .why = "{ $given }" is not six digits of a municipality and four of a shop.
    .todo = Write it as 252034-0001 and run it again.
error-shop-full = This shop has used up its terminal numbers
    .why = They go up to 99, and none is given twice.
    .todo = Register another shop code.
error-municipality-unknown = There is no such municipality
    .why = The code's check digit is wrong, or it is nobody's.
    .todo = Check the six digits.
error-terminal-unknown = There is no such terminal
    .why = Nothing was enrolled under this number.
    .todo = See ./kazasu ledger list for the numbers.
error-version-taken = This version is there already
    .why = The same version was registered with other rules.
    .todo = Raise the version and take it in again.
