# SPDX-License-Identifier: GPL-2.0-only
# Takes out of a manual page's EXAMPLES the program; with -v want=output what the
# page says that it prints; with -v want=session all, which are terminal sessions.
# Out of a text like README, with -v want=console, the terminal sessions with the
# lines that fence them.

want == "console" {
	inside = inside ? !/^```$/ : /^```console$/
	if (inside || (was_inside && /^```$/))
		print
	was_inside = inside
	next
}

/^\.Sh / {
	examples = $2 == "EXAMPLES"
}

examples && /^\.Bd -literal/ {
	block++
	inside = 1
	next
}

/^\.Ed/ {
	inside = 0
}

inside && (want == "session" || block == (want == "output" ? 2 : 1)) {
	gsub(/\\&/, "")
	gsub(/\\-/, "-")
	gsub(/\\\(aq/, "'")
	gsub(/\\e/, "\\")
	print
}
