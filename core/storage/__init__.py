"""What is kept in Redis beside the posts, and how Redis is reached."""
