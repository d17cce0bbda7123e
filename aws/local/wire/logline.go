package wire

import "time"

// LogLine is one line for CloudWatch Logs.
type LogLine struct {
	Account, Region string
	Group, Stream   string // "/aws/lambda/my-function", "2026/11/22/[$LATEST]…"
	Time            time.Time
	Text            string
}
