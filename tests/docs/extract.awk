# SPDX-License-Identifier: GPL-2.0-only
# Takes the program out of a manual page's EXAMPLES, and, with -v want=output,
# what the page says that it prints.

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

inside && block == (want == "output" ? 2 : 1) {
	gsub(/\\&/, "")
	gsub(/\\-/, "-")
	gsub(/\\\(aq/, "'")
	gsub(/\\e/, "\\")
	print
}
