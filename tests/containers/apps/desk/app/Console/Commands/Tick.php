<?php

namespace App\Console\Commands;

use App\Record;
use Illuminate\Console\Command;

class Tick extends Command
{
    protected $signature = 'desk:tick';

    protected $description = 'What the scheduler runs every minute';

    public function handle()
    {
        Record::write('tick');
    }
}
