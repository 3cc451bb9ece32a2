<?php

/** The revision of the code beside this file. */
$revision = function (string $base): string {
    $ask = 'git -c safe.directory="*" -C '.escapeshellarg($base).' rev-parse HEAD 2>/dev/null';

    return trim((string) (@file_get_contents("$base/REVISION") ?: shell_exec($ask))) ?: 'unknown';
};

return [
    'name' => 'Desk',
    'env' => env('APP_ENV', 'production'),
    'debug' => (bool) env('APP_DEBUG', false),
    'url' => 'http://localhost',
    'timezone' => 'UTC',
    'locale' => 'en',
    'fallback_locale' => 'en',
    'key' => env('APP_KEY'),
    'cipher' => 'AES-256-CBC',
    // Kept by `config:cache`: what a process tells is the release whose configuration it has loaded.
    'revision' => $revision(dirname(__DIR__)),
    'record' => env('DESK_RECORD'),
    'enough' => env('DESK_ENOUGH'),
    'providers' => [
        Illuminate\Bus\BusServiceProvider::class,
        Illuminate\Cache\CacheServiceProvider::class,
        Illuminate\Database\DatabaseServiceProvider::class,
        Illuminate\Encryption\EncryptionServiceProvider::class,
        Illuminate\Filesystem\FilesystemServiceProvider::class,
        Illuminate\Foundation\Providers\ConsoleSupportServiceProvider::class,
        Illuminate\Foundation\Providers\FoundationServiceProvider::class,
        Illuminate\Queue\QueueServiceProvider::class,
        Illuminate\Redis\RedisServiceProvider::class,
        Illuminate\Session\SessionServiceProvider::class,
        Illuminate\Translation\TranslationServiceProvider::class,
        Illuminate\View\ViewServiceProvider::class,
        Illuminate\Foundation\Support\Providers\EventServiceProvider::class,
        App\Providers\RouteServiceProvider::class,
    ],
    'aliases' => [],
];
