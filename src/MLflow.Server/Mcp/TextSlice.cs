namespace MLflow.Server.Mcp;

/// <summary>A slice of a long text, with the place at which the next one begins.</summary>
internal static class TextSlice
{
    /// <summary>Bytes of a slice's own members.</summary>
    private const int Frame = 100;

    /// <summary>Writes an object with the slice.</summary>
    /// <returns>Where the next slice begins; null at the end of the text.</returns>
    public static int? Write(ToolAnswer answer, string name, string text, int offset, int limit, int room)
    {
        if (offset > text.Length)
        {
            throw ToolArguments.Invalid($"'offset' {offset} is beyond the end: {name} has {text.Length} characters");
        }

        var length = ToolText.Fit(text, offset, limit, Math.Max(0, room - Frame));
        answer.Write(json =>
        {
            json.WriteStartObject(name);
            json.WriteNumber("chars", text.Length);
            if (offset > 0)
            {
                json.WriteNumber("offset", offset);
            }

            json.WriteString("text", ToolText.Whole(text.Substring(offset, length)));
            json.WriteEndObject();
        });
        return offset + length < text.Length ? offset + length : null;
    }
}
