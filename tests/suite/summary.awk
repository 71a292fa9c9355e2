# SPDX-License-Identifier: GPL-2.0-only
# Reads what guest-runner.sh prints, and tells tests/suite/progress: ":: begin SUITE"
# when one begins, and ":: end SUITE FILE" when it has ended; FILE says how, and what
# went wrong. Writes "passed failed skipped ran" to the file `totals`, where `ran` is
# without the suite that looks for leaks, and what the guest says of coverage, base64,
# to the file `coverage`. After ":: again" another guest begins: what the suite that ran
# had said does not count, and ":: stop SUITE" tells progress.

# Several summaries write to one pipe, where only short lines stay whole.
function report(text)
{
	printf "%s\n", text
	fflush()
}

function report_end(name, text,    file)
{
	file = totals "." ++reports
	print text >file
	close(file)
	report(":: end " name " " file)
}

function skip_line(names, reason,    part, count)
{
	count = split(names, part, " ")
	return "skip " (count == 1 ? part[1] : count " tests") ": " reason
}

function complain(text)
{
	problems[++problem_count] = text
}

# Ends the suite that runs, if any.
function finish(status, hundredths,    i, line, count, reason)
{
	count = passed + failed + skipped
	if (plan == "" || plan != count) {
		complain("not ok " suite " said " count " results of " (plan == "" ? "no plan" : plan) \
			", and ended with status " status)
		failed++
	} else if (status != 0 && !failed) {
		complain("not ok " suite " ended with status " status)
		failed++
	}
	line = sprintf("%-26s %3d passed", suite, passed)
	if (failed)
		line = line ", " failed " failed"
	if (skipped)
		line = line ", " skipped " skipped"
	line = sprintf("%-60s %6.2f s", line, hundredths / 100)
	for (reason in reasons)
		line = line "\n    " skip_line(reasons[reason], reason)
	for (i = 1; i <= problem_count; i++)
		line = line "\n    " problems[i]
	for (i = 1; failed && i <= note_count; i++)
		line = line "\n    " notes[i]
	report_end(suite, line)
	if (suite != "leaks")
		ran += count
	all_passed += passed
	all_failed += failed
	all_skipped += skipped
	faults += injected
	suite = ""
}

/:: again$/ {
	if (suite != "")
		report(":: stop " suite)
	suite = ""
	complete = 0
	next
}

/^:: begin / {
	suite = $3
	passed = failed = skipped = problem_count = note_count = injected = 0
	plan = ""
	split("", skips)
	split("", reasons)
	report(":: begin " suite)
	next
}

/^:: end / {
	finish($4, $5)
	next
}

/^:: skip / {
	name = $3
	sub(/:$/, "", name)
	sub(/^:: skip /, "")
	report_end(name, $0)
	all_skipped++
	next
}

/^:: coverage / {
	print $3 >coverage
	next
}

/^:: watched / {
	watched = $3
	next
}

/^:: done$/ {
	complete = 1
	next
}

suite == "" {
	report($0)
	next
}

/^# skip / {
	name = $3
	sub(/:$/, "", name)
	skips[name] = 1
	sub(/^# skip [^ ]* /, "")
	reasons[$0] = reasons[$0] " " name
	next
}

/^# .*: [0-9]+ faults$/ {
	injected += $(NF - 1)
}

/^ok [0-9]+ - / {
	split($4, part, ":")
	if (part[3] in skips)
		skipped++
	else
		passed++
	next
}

/^not ok [0-9]+ - / {
	failed++
	sub(/^not ok [0-9]+ - [^:]*:[^:]*:/, "not ok ")
	complain($0)
	next
}

/^1\.\.[0-9]+$/ {
	plan = substr($0, 4) + 0
	next
}

{
	notes[++note_count] = $0
}

END {
	if (suite != "")
		finish("none", 0)
	if (!complete && ++all_failed)
		report("not ok: the guest did not run all suites")
	if (faults)
		report(faults " faults injected")
	if (watched != "")
		report(watched " accesses watched for races")
	print all_passed + 0, all_failed + 0, all_skipped + 0, ran + 0 >totals
}
