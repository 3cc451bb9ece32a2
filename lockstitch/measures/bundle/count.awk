# Counts how often texts stand in files, or in stdin. From the environment: `texts`, an expression a line. POSIX awk.

BEGIN { count_of_texts = split(ENVIRON["texts"], text, "\n") }

{ for (t = 1; t <= count_of_texts; t++) counts[t] += gsub(text[t], "&") }

END { for (t = 1; t <= count_of_texts; t++) print "count", t, counts[t] + 0 }
