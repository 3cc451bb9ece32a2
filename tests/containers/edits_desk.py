"""What makes the versions of the desk, the sample Laravel application, and its versions with a fault."""

from __future__ import annotations

from tests.containers.edits import Change, Edit

FAILING_MIGRATION, BAD_CONFIG, REGISTERED = "v-failing-migration", "v-bad-config", "v-registered"
NO_BOOT, PAUSES = "v-no-boot", "v-pauses"

ADD = {
    "v1": "INSERT INTO tickets (text) VALUES (?)",
    "v2": "INSERT INTO tickets (text, author) VALUES (?, 'two')",
}
MIGRATION = """\
<?php

use Illuminate\\Database\\Migrations\\Migration;
use Illuminate\\Database\\Schema\\Blueprint;
use Illuminate\\Support\\Facades\\Schema;

return new class extends Migration
{
    public function up()
    {
        %s
    }

    public function down()
    {
        %s
    }
};
"""
AUTHOR = (
    "Schema::table('tickets', fn (Blueprint $table) => $table->string('author')->default('nobody'));",
    "Schema::table('tickets', fn (Blueprint $table) => $table->dropColumn('author'));",
)
GIVES_UP = "throw new RuntimeException('the migration gave up half way');"
# What newer versions and Horizon have, by the same names and with the same answers.
COMMANDS = """\
<?php

use Illuminate\\Support\\Facades\\Artisan;
use Illuminate\\Support\\Facades\\Cache;

Artisan::command('horizon', function () {
    Cache::forever($key = 'horizon:'.gethostname(), getmypid());
    App\\Record::write('horizon');
    pcntl_async_signals(true);
    pcntl_signal(SIGTERM, function () use ($key) {
        Cache::forget($key);
        exit(0);
    });
    while (true) {
        sleep(60);
    }
})->purpose('Start a master supervisor in the foreground');

Artisan::command('horizon:status', function () {
    if (! Cache::get('horizon:'.gethostname())) {
        $this->error('Horizon is inactive.');

        return 1;
    }
    $this->info('Horizon is running.');
})->purpose('Get the current status of Horizon');

Artisan::command('horizon:terminate {--wait : Wait for all workers to terminate}', function () {
    $pid = Cache::get('horizon:'.gethostname());
    $this->info($pid ? 'Sending TERM signal to processes.' : 'No processes to terminate.');
    if ($pid) {
        posix_kill($pid, SIGTERM);
    }
    Cache::forever('illuminate:queue:restart', now()->getTimestamp());
})->purpose('Terminate the master supervisor so it can be restarted');
"""
# The commands and the worker of Laravel 12.40, as far as they are about queues that are paused.
PAUSING = """\
<?php

use Illuminate\\Queue\\Events\\Looping;
use Illuminate\\Support\\Facades\\Artisan;
use Illuminate\\Support\\Facades\\Cache;
use Illuminate\\Support\\Facades\\Event;

$key = function (string $queue): string {
    [$connection, $name] = array_pad(explode(':', $queue, 2), 2, null);

    return 'illuminate:queue:paused:'.($name ? "$connection:$name" : config('queue.default').":$connection");
};

Artisan::command('queue:pause {queue}', function ($queue) use ($key) {
    Cache::forever($key($queue), true);
    App\\Record::write('pause', ['queue' => $queue]);
    $this->info("Job processing on queue [$queue] has been paused.");
})->purpose('Pause job processing for a specific queue');

Artisan::command('queue:resume {queue}', function ($queue) use ($key) {
    Cache::forget($key($queue));
    App\\Record::write('resume', ['queue' => $queue]);
    $this->info("Job processing on queue [$queue] has been resumed.");
})->purpose('Resume job processing for a paused queue');

Artisan::command('config:show {config}', function ($config) {
    $this->line("  $config ............ ".config($config));
})->purpose('Display all of the values for a given configuration file or key');

Event::listen(Looping::class, function ($event) use ($key) {
    foreach (explode(',', $event->queue) as $queue) {
        if (! Cache::get($key("$event->connectionName:$queue"))) {
            return true;
        }
    }

    return false;
});
"""
ISOLATED = """\
<?php

namespace App\\Console\\Commands;

use App\\Record;
use Illuminate\\Database\\Console\\Migrations\\MigrateCommand;
use Symfony\\Component\\Console\\Input\\InputOption;

class Migrate extends MigrateCommand
{
    public function __construct()
    {
        parent::__construct(app('migrator'), app('events'));
        $this->addOption('isolated', null, InputOption::VALUE_OPTIONAL, 'Do not run the command if another is at it', false);
    }

    public function handle()
    {
        Record::write('migrate', ['isolated' => $this->option('isolated')]);

        return parent::handle();
    }
}
"""


def versions() -> dict[str, Change]:
    """The changes that make v2, with a migration, out of v1, and v3, without one, out of v2."""
    add = Edit("app/Http/Controllers/DeskController.php", ADD["v1"], ADD["v2"])
    migration = _migration("000003_give_tickets_an_author", *AUTHOR)
    return {
        "v2": Change("Give every ticket an author", [_version("1.0.0", "2.0.0"), add, migration]),
        "v3": Change("Call it version three", [_version("2.0.0", "3.0.0")]),
    }


def siblings() -> dict[str, tuple[str, Change]]:
    """Further tags: the version that each comes after, and what it changes there."""
    closure = Edit("config/bad.php", "", "<?php\n\nreturn ['made' => fn () => 'what cannot be cached'];\n")
    boot = "public function boot()\n    {\n"
    throws = Edit(
        "app/Providers/RouteServiceProvider.php", boot, f"{boot}        throw new \\LogicException('no boot');\n"
    )
    registered = [
        Edit("routes/console.php", "", COMMANDS),
        Edit("app/Console/Commands/Migrate.php", "", ISOLATED),
    ]
    return {
        BAD_CONFIG: ("v2", Change("Configure what cannot be cached", [closure])),
        NO_BOOT: ("v1", Change("Throw as it boots", [throws])),
        FAILING_MIGRATION: ("v2", Change("Give up half way", [_migration("000004_give_up", GIVES_UP, "")])),
        PAUSES: ("v2", Change("Have queues that can be paused", [Edit("routes/console.php", "", PAUSING)])),
        REGISTERED: ("v3", Change("Have commands that newer versions have", registered)),
    }


def _version(old: str, new: str) -> Edit:
    return Edit("app/Release.php", f"VERSION = '{old}'", f"VERSION = '{new}'")


def _migration(name: str, up: str, down: str) -> Edit:
    return Edit(f"database/migrations/2026_01_01_{name}.php", "", MIGRATION % (up, down))
