"""What must not be lost, doubled or told when something breaks: kill -9, lost replies, full disks, crashes."""
