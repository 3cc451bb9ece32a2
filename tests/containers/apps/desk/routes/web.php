<?php

use App\Http\Controllers\DeskController;
use Illuminate\Support\Facades\Route;

Route::get('/', [DeskController::class, 'home'])->name('home');
Route::get('/page', [DeskController::class, 'page'])->name('page');
Route::get('/health', [DeskController::class, 'health'])->name('health');
Route::get('/slow', [DeskController::class, 'slow'])->name('slow');
Route::get('/tickets', [DeskController::class, 'tickets'])->name('tickets');
Route::post('/tickets', [DeskController::class, 'add'])->name('tickets.add');
Route::post('/jobs', [DeskController::class, 'dispatch'])->name('jobs.add');
