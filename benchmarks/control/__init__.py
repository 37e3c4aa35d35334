"""What a learned word controls: does it paint its part, that part alone, and only when asked?"""
