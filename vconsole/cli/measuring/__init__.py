"""Long measurements that change the server and put it back: tune and prove."""
