using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Sql;

/// <summary>
/// Pages by the values of the last row instead of by offset: a page costs the same however deep it is, and rows that come or go
/// in between shift nothing. The last column must be unique.
/// </summary>
internal sealed class Keyset
{
    private readonly IReadOnlyList<KeysetColumn> _columns;

    public Keyset(IReadOnlyList<KeysetColumn> columns) => _columns = columns;

    public string OrderBy => string.Join(", ", _columns.Select(column =>
        column.Sql + (column.Descending ? " DESC" : "") + (column.Nullable ? " NULLS LAST" : "")));

    /// <summary>The columns to select so that <see cref="Token"/> can be made of a row.</summary>
    public string Select => string.Join(", ", _columns.Select((column, i) => $"{column.Sql} AS k{i}"));

    public int Count => _columns.Count;

    /// <summary>A token for what comes after a row with these values (strings, longs or null).</summary>
    public string Token(IReadOnlyList<object?> values) =>
        Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(new[] { Shape }.Concat(values)));

    /// <summary>
    /// Where the page of a token begins. MLflow's own tokens, <c>{"offset": 100}</c> in Base64, are understood too, since some callers make them themselves;
    /// they have the faults of offsets.
    /// </summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: not a token, or one of another order.</exception>
    public PageStart Start(string? token, SqlConditions conditions)
    {
        if (string.IsNullOrEmpty(token))
        {
            return PageStart.First;
        }

        using var document = Decode(token);
        var root = document.RootElement;
        if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("offset", out var offset)
            && offset.ValueKind == JsonValueKind.Number && offset.TryGetInt64(out var rows) && rows > 0)
        {
            return new PageStart("TRUE", rows);
        }

        return new PageStart(After(Values(root) ?? throw Invalid($"parsed value={FilterError.Shown(root.GetRawText())}"), conditions), 0);
    }

    /// <summary>The condition that a row comes after the one with these values.</summary>
    private string After(object?[] values, SqlConditions conditions)
    {
        var first = string.Empty;
        var alternatives = new List<string>();
        var equal = new List<string>();
        for (var i = 0; i < _columns.Count; i++)
        {
            var column = _columns[i];
            if (values[i] is { } value)
            {
                var parameter = conditions.Value(value);
                first = i == 0 ? parameter : first;
                var after = $"{column.Sql} {(column.Descending ? "<" : ">")} {parameter}";
                alternatives.Add(string.Join(" AND ", [.. equal, column.Nullable ? $"({after} OR {column.Sql} IS NULL)" : after]));
                equal.Add($"{column.Sql} = {parameter}");
            }
            else
            {
                // Absent values are last: nothing but other absent ones can follow.
                equal.Add($"{column.Sql} IS NULL");
            }
        }

        var condition = $"({string.Join(" OR ", alternatives.Select(alternative => $"({alternative})"))})";

        // What follows from the condition anyway, in a form from which an index can start.
        return _columns[0].Nullable ? condition : $"{_columns[0].Sql} {(_columns[0].Descending ? "<=" : ">=")} {first} AND {condition}";
    }

    // A token is only good for the order that it was made for.
    private string Shape => string.Join(',', _columns.Select(column => column.Name + (column.Descending ? "-" : "+")));

    /// <summary>The values of a token of ours; null when it is another.</summary>
    private object?[]? Values(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Array || root.GetArrayLength() != _columns.Count + 1
            || root[0].ValueKind != JsonValueKind.String || Text(root[0]) != Shape)
        {
            return null;
        }

        var values = new object?[_columns.Count];
        for (var i = 0; i < values.Length; i++)
        {
            var item = root[i + 1];
            switch (item.ValueKind)
            {
                case JsonValueKind.Number when item.TryGetInt64(out var number):
                    values[i] = number;
                    break;
                case JsonValueKind.String when Text(item) is { } text:
                    values[i] = text;
                    break;
                case JsonValueKind.Null when _columns[i].Nullable:
                    break;
                default:
                    return null;
            }
        }

        return values;
    }

    // JSON can write half of a surrogate pair, which no string of ours holds.
    private static string? Text(JsonElement element)
    {
        try
        {
            return element.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static JsonDocument Decode(string token)
    {
        byte[] json;
        try
        {
            json = Base64Url.DecodeFromChars(token.Replace('+', '-').Replace('/', '_'));
        }
        catch (FormatException)
        {
            throw Invalid($"could not base64-decode '{FilterError.Shown(token)}'");
        }

        try
        {
            return JsonDocument.Parse(json);
        }
        catch (JsonException)
        {
            throw Invalid($"decoded value={FilterError.Shown(Encoding.UTF8.GetString(json))}");
        }
    }

    private static MlflowException Invalid(string what) => new(
        ErrorCode.INVALID_PARAMETER_VALUE,
        $"Invalid page token, {what}: pass the next_page_token of the page before, with the same order_by.");
}
