using System.Text.Json;
using MLflow.Server.Traces;

namespace MLflow.Server.Conventions;

/// <summary>Forms that need little reading.</summary>
internal static class PlainValues
{
    /// <summary>As it is.</summary>
    public static string? AsIs(SpanSource source, string key) => source.Json(key);

    /// <summary>As it is; text that holds an object or an array is what it holds, however often it was written as text.</summary>
    public static string? Unfolded(SpanSource source, string key) => source.Value(key) is { ValueKind: not JsonValueKind.Undefined } value ? value.GetRawText() : null;

    /// <summary>Arguments and keyword arguments of a function: the one or the other where only one of them has something.</summary>
    public static string? Arguments(SpanSource source, string key)
    {
        var value = source.Value(key);
        var (args, named) = (value.Member("args"), value.Member("kwargs"));
        if (args.ValueKind != JsonValueKind.Array || named.ValueKind != JsonValueKind.Object || value.EnumerateObject().Count() != 2)
        {
            return value.ValueKind == JsonValueKind.Undefined ? null : value.GetRawText();
        }

        return args.GetArrayLength() == 0 ? named.GetRawText() : named.EnumerateObject().Any() ? value.GetRawText() : args.GetRawText();
    }

    /// <summary>A list whose items are JSON as text.</summary>
    public static string? ListOfJson(SpanSource source, string key) => source.Value(key) is { ValueKind: JsonValueKind.Array } list
        ? ChatJson.WriteArray(writer =>
        {
            foreach (var item in list.EnumerateArray())
            {
                Inner(item).WriteTo(writer);
            }
        })
        : null;

    /// <summary>An answer: a message alone becomes the choice that it is, and the items of a response its output.</summary>
    public static string? Answer(SpanSource source, string key)
    {
        var value = source.Value(key);
        if (value.Items().Any() && value.Items().All(item => item.String("type") is "message" or "reasoning" || item.String("type")?.EndsWith("_call", StringComparison.Ordinal) == true))
        {
            return ChatJson.Write(writer =>
            {
                writer.WritePropertyName("output");
                value.WriteTo(writer);
            });
        }

        return value.String("role") is null ? AsIs(source, key) : ChatJson.Choice(value);
    }

    /// <summary>What was spent, under MLflow's names; null when nothing was.</summary>
    public static string? Cost(SpanSource source, string key)
    {
        var value = source.Value(key);
        var parts = new List<(string Name, double Cost)>();
        foreach (var name in (ReadOnlySpan<string>)["input", "output", "total"])
        {
            if (value.Member(name) is { ValueKind: JsonValueKind.Number } cost && cost.TryGetDouble(out var amount) && double.IsFinite(amount))
            {
                parts.Add((name + "_cost", amount));
            }
        }

        return parts.Exists(part => part.Cost > 0) ? ChatJson.Write(writer => parts.ForEach(part => writer.WriteNumber(part.Name, part.Cost))) : null;
    }

    private static JsonElement Inner(JsonElement item)
    {
        if (item.ValueKind == JsonValueKind.String && StoredJson.IsJson(item.GetString()!))
        {
            return SpanSource.Parse(StoredJson.Structure(item.GetString()!));
        }

        return item;
    }
}
