using System.Globalization;
using System.Text.Json;

namespace MLflow;

/// <summary>Finds where two JSON values first differ. Order of an object's properties, white space and the spelling of numbers do not matter.</summary>
internal static class JsonDifference
{
    private const int MaxShown = 120;

    /// <returns>For example <c>$.messages[0].content: recorded "Hi", sent "Hello"</c>; null when they are equal.</returns>
    public static string? Find(JsonElement recorded, JsonElement sent) => Find(recorded, sent, "$");

    private static string? Find(JsonElement recorded, JsonElement sent, string path)
    {
        if (recorded.ValueKind == JsonValueKind.Object && sent.ValueKind == JsonValueKind.Object)
        {
            return FindInObjects(recorded, sent, path);
        }

        if (recorded.ValueKind == JsonValueKind.Array && sent.ValueKind == JsonValueKind.Array)
        {
            return FindInArrays(recorded, sent, path);
        }

        return JsonElement.DeepEquals(recorded, sent) ? null : $"{path}: recorded {Show(recorded)}, sent {Show(sent)}";
    }

    private static string? FindInObjects(JsonElement recorded, JsonElement sent, string path)
    {
        foreach (var property in recorded.EnumerateObject())
        {
            var at = path + "." + property.Name;
            if (!sent.TryGetProperty(property.Name, out var value))
            {
                return $"{at}: recorded {Show(property.Value)}, sent nothing";
            }

            // Of a name that stands twice, both sides have the last.
            if (Find(recorded.GetProperty(property.Name), value, at) is { } difference)
            {
                return difference;
            }
        }

        foreach (var property in sent.EnumerateObject())
        {
            if (!recorded.TryGetProperty(property.Name, out _))
            {
                return $"{path}.{property.Name}: recorded nothing, sent {Show(property.Value)}";
            }
        }

        return null;
    }

    private static string? FindInArrays(JsonElement recorded, JsonElement sent, string path)
    {
        var count = Math.Max(recorded.GetArrayLength(), sent.GetArrayLength());
        for (var i = 0; i < count; i++)
        {
            var at = string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]");
            if (i >= sent.GetArrayLength())
            {
                return $"{at}: recorded {Show(recorded[i])}, sent nothing";
            }

            if (i >= recorded.GetArrayLength())
            {
                return $"{at}: recorded nothing, sent {Show(sent[i])}";
            }

            if (Find(recorded[i], sent[i], at) is { } difference)
            {
                return difference;
            }
        }

        return null;
    }

    private static string Show(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length > MaxShown ? TracePreview.Cut(text, MaxShown) : text;
    }
}
