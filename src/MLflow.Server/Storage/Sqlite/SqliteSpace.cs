namespace MLflow.Server.Storage.Sqlite;

/// <summary>Gives pages that deletions left back to the disk.</summary>
internal static class SqliteSpace
{
    /// <summary>Free pages that stay, for what comes next: 4 MiB.</summary>
    private const int KeptPages = 1024;

    private const string CountSql = "PRAGMA freelist_count";

    // A chunk is what one transaction does, so that others write in between.
    private const string GiveBackSql = "PRAGMA incremental_vacuum(256)";

    /// <returns>Whether there is more to give back.</returns>
    public static bool GiveBack(SqliteWriteSession session)
    {
        if (FreePages(session) <= KeptPages)
        {
            return false;
        }

        var rows = session[GiveBackSql];
        while (rows.Read())
        {
            // Each step gives a page back.
        }

        return FreePages(session) > KeptPages;
    }

    private static long FreePages(SqliteWriteSession session)
    {
        var rows = session[CountSql];
        rows.Read();
        var pages = rows.GetInt64(0);
        rows.Reset();
        return pages;
    }
}
