using System.Text.Json;

namespace MLflow.Server.Mcp;

/// <summary>Members of answers: what is absent is left out, what is long is cut.</summary>
internal static class ToolJson
{
    public static void Text(this Utf8JsonWriter json, string name, string? value, int maxBytes)
    {
        if (!string.IsNullOrEmpty(value))
        {
            json.WriteString(name, ToolText.Cut(value, maxBytes));
        }
    }

    public static void Number(this Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
    }

    public static void Number(this Utf8JsonWriter json, string name, decimal? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
    }
}
