{"page": "the desk", "version": "{{ $version }}", "revision": "{{ $revision }}"}
