<?php

namespace App;

class Record
{
    /** Append one line to the host's record of what ran here, and as which version. */
    public static function write(string $event, array $more = []): void
    {
        $line = ['event' => $event, 'pid' => getmypid(), 'at' => microtime(true)] + $more + Release::told();
        file_put_contents(config('app.record'), json_encode($line)."\n", FILE_APPEND | LOCK_EX);
    }
}
