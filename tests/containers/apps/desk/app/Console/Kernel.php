<?php

namespace App\Console;

use Illuminate\Console\Scheduling\Schedule;
use Illuminate\Foundation\Console\Kernel as ConsoleKernel;

class Kernel extends ConsoleKernel
{
    protected function schedule(Schedule $schedule)
    {
        $schedule->command('desk:tick')->everyMinute();
    }

    protected function commands()
    {
        $this->load(__DIR__.'/Commands');
        if (file_exists($file = base_path('routes/console.php'))) {
            require $file;
        }
    }
}
