"""The doctor: is this host, its engine and the running server as good as they can be?"""
