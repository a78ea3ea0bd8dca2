# The owner's screen
screen-counter = Counter
screen-owner = Owner
key-counter = Counter
key-owner = Owner
key-x = X report
key-z = Close (Z)
key-do-close = Close the day
count = { $count }

owner-reading = Reading today's records
owner-sales = Sales
owner-unsent = Unsent
owner-today = today
owner-yesterday = yesterday
owner-highest = highest { $yen }
owner-last = Last operations
owner-none = None yet
owner-undecided = waiting
owner-refused = refused
owner-kind-void = Void
owner-kind-return = Return
owner-kind-convert = Convert
owner-kind-link = Registration
owner-kind-unlink = Leave
owner-kind-reserve = Set aside
owner-kind-release = Given back
owner-kind-close = Close

# What needs a hand
owner-nothing = Nothing needs a hand
owner-needs = What needs a hand
owner-need-unknown = Outcome unknown: { $count }  It is being asked for
owner-need-refused = Refused afterwards: { $count }
owner-need-short = The shop's loss: { $count }  Points were short
owner-need-promised = Points not given: { $count }  Tell the customer
owner-need-unsent = Unsent: { $count }  Sent when the line is back

# The close
owner-ask-close = Close the day?
owner-ask-close-empty = Nothing was done since the last close. Close all the same?
owner-say-close-empty = A Z report without a sale is then recorded. Esc leaves everything as it is.
owner-say-close = What is unsent is sent first. Then the figures at the right are recorded as the Z report.
owner-say-close-late = What has no outcome yet goes into the next close. Sales can go on afterwards.
owner-closing = Closing
owner-say-closing = Sending what is unsent. Please wait.
owner-closed = Closed (no. { $number })
owner-say-closed = The Z report at the right is recorded. The next operation begins a new one.

report-x = X report
report-z = Z report no. { $number }
report-sales = Sales
report-awards = Awards
report-voids = Voids
report-returns = Returns
report-refused = Refused
report-conversions = Exchanges
report-late = Counted on another day
report-converted-out = Exchanged from
report-converted-in = Exchanged into
report-short-redeemed = Points not there any more
report-short-awarded = Points not given
report-undecided = Waiting ({ $count })
report-perpetual = In all

# Help
owner-how-figures = The four figures are what came since the last close.
owner-how-needs = The list below says what needs a hand, and what to do.
owner-how-close = 1 only shows the X report. 2 closes the day, after a question.

# The owner's code
code-ask = Enter the owner's code
code-wrong = That is not the code ({ $tries } more)

# Looking an operation up
key-search = Find
owner-ask-search = Enter its number or its amount
owner-say-search = The number stands on the slip, after "01-". The amount is the bill or what was due.
owner-not-found = Nothing found
owner-ask-pick = Pick one
owner-found = Operation { $number }
owner-say-found = The slip at the right is this operation's.

error-slip-missing = There is no such operation
    .why = Neither by number nor by amount is { $number } in this terminal's records.
    .todo = Check the number or the amount on the slip.

# Sign-on
screen-clerk = Sign-on
key-clerk = Clerk
clerk-ask = Who is at the counter?
clerk-ask-code = Clerk { $clerk }: enter your code
clerk-none = No clerks are kept here. ./kazasu clerk add NUMBER adds one.

# Periods
period-today = Today
period-yesterday = Yesterday
period-week = This week
period-month = This month
period-whole = Total
period-before = The period before
export-business-date = business day
export-time = time
export-operation = operation
export-kind = kind
export-clerk = clerk
export-bill = bill
export-redeemed = redeemed
export-awarded = awarded
export-cash = cash
export-status = status
export-programmes = programmes
export-reference = reference
export-written = { $count } operations are written to { $path }.
posting-date = date
posting-debit = debit
posting-credit = credit
posting-yen = yen
posting-note = note
account-cash = Cash
account-claim = Receivable (points)
account-loss = Loss (points short)
account-sales = Sales
account-note = Points terminal, day
key-periods = Periods
owner-count = Count
period-before-today = Yesterday
period-before-yesterday = The day before
period-before-week = Last week
period-before-month = Last month
period-clerks = By clerk
period-programmes = By programme (used, given)
