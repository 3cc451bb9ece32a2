<?php
// Reads a JSON list of texts of dotenv files from stdin, and prints what vlucas/phpdotenv takes each for: names and values in
// base64, or what it refuses.
require '/usr/share/php/Dotenv/autoload.php';
$read = function (string $text) {
    try {
        return (object) array_map('base64_encode', Dotenv\Dotenv::parse($text));
    } catch (Dotenv\Exception\ExceptionInterface $error) {
        return $error->getMessage();
    }
};
echo json_encode(array_map($read, json_decode(stream_get_contents(STDIN))));
