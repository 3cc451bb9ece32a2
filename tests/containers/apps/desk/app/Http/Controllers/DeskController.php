<?php

namespace App\Http\Controllers;

use App\Jobs\Work;
use App\Release;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Str;

class DeskController
{
    const ADD = "INSERT INTO tickets (text) VALUES (?)";

    public function home()
    {
        return Release::told();
    }

    public function page()
    {
        return view('page', Release::told());
    }

    public function health()
    {
        return response()->json(['status' => Release::HEALTHY ? 'healthy' : 'degraded'] + Release::told(), Release::HEALTHY ? 200 : 503);
    }

    public function slow()
    {
        usleep(700000);

        return Release::told();
    }

    public function tickets()
    {
        return ['count' => DB::table('tickets')->count()] + Release::told();
    }

    public function add(Request $request)
    {
        DB::insert(self::ADD, [$request->input('text', 'a ticket')]);

        return $this->tickets();
    }

    public function dispatch(Request $request)
    {
        $id = (string) $request->input('id', Str::uuid());
        dispatch(new Work($id, (float) $request->input('seconds', 0)));

        return ['id' => $id] + Release::told();
    }
}
