namespace MLflow.Server.Ui.Searching;

/// <summary>The address of a hit: its step, its tab.</summary>
internal static class TraceHit
{
    /// <summary>The address of one of the hits; after the last comes the first.</summary>
    public static string To(TraceUrl url, TraceSearch search, int hit)
    {
        if (search.Hits.Count == 0)
        {
            return (url with { Hit = 0 }).ToString();
        }

        var number = hit < 1 ? search.Hits.Count : hit > search.Hits.Count ? 1 : hit;
        var found = search.Hits[number - 1];
        return (url with { Hit = number, Span = found.Node.Id, Tab = found.Tab ?? url.Tab, View = "read", Message = null }).ToString();
    }
}
