"""Jobs: batches that outlive whoever asked for them, queued and adopted like servers."""
