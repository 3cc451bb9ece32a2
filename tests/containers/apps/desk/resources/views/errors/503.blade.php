<!doctype html>
<title>The desk is closed</title>
<p>Back soon.</p>
