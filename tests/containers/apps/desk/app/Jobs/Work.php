<?php

namespace App\Jobs;

use App\Record;
use Illuminate\Contracts\Queue\ShouldQueue;

class Work implements ShouldQueue
{
    public $id;

    public $seconds;

    public function __construct(string $id, float $seconds)
    {
        $this->id = $id;
        $this->seconds = $seconds;
    }

    /** Take as long as was asked for, or until the host says that it is enough; less than no time is a failure. */
    public function handle()
    {
        if ($this->seconds < 0) {
            throw new \RuntimeException("no time for {$this->id}");
        }
        Record::write('begin', ['id' => $this->id]);
        $until = microtime(true) + $this->seconds;
        while (microtime(true) < $until && ! file_exists(config('app.enough'))) {
            usleep(20000);
            clearstatcache();
        }
        Record::write('end', ['id' => $this->id]);
    }
}
