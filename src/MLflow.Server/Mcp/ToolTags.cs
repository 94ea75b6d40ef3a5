namespace MLflow.Server.Mcp;

/// <summary>Tags and metadata, as many as have room.</summary>
internal static class ToolTags
{
    /// <param name="answer">Gets them.</param>
    /// <param name="list">Their name.</param>
    /// <param name="tags">All of them; MLflow's own are left out, because other members say what they do.</param>
    /// <param name="keepFree">Bytes to leave for what comes after them.</param>
    public static void Write(ToolAnswer answer, string list, IReadOnlyDictionary<string, string> tags, int keepFree)
    {
        var left = tags.Where(tag => !tag.Key.StartsWith("mlflow.", StringComparison.Ordinal)).OrderBy(tag => tag.Key, StringComparer.Ordinal).ToList();
        var told = left.TakeWhile(tag => answer.TryAdd(
            list,
            json =>
            {
                json.WriteStartObject();
                json.Text("key", tag.Key, 300);
                json.WriteString("value", ToolText.Cut(tag.Value, 500));
                json.WriteEndObject();
            },
            keepFree)).Count();
        if (told < left.Count)
        {
            answer.More($"{left.Count - told} of {left.Count} {list} are left out.");
        }
    }
}
