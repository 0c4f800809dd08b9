"""From feeds, sitemaps and folders to posts, and from posts to passages."""
