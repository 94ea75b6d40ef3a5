using System.Buffers.Text;
using System.Text.Json;

namespace MLflow.Server.Storage.Sqlite;

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

    /// <summary>The condition that a row comes after the token's.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: not a token of this order.</exception>
    public string After(string token, SqlParameters parameters)
    {
        var values = Decode(token);
        var first = string.Empty;
        var alternatives = new List<string>();
        var equal = new List<string>();
        for (var i = 0; i < _columns.Count; i++)
        {
            var column = _columns[i];
            if (values[i] is { } value)
            {
                var parameter = parameters.Add(value);
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

    private object?[] Decode(string token)
    {
        try
        {
            using var document = JsonDocument.Parse(Base64Url.DecodeFromChars(token));
            var items = document.RootElement.EnumerateArray().ToArray();
            if (items.Length == _columns.Count + 1 && items[0].ValueKind == JsonValueKind.String && items[0].ValueEquals(Shape))
            {
                return [.. items.Skip(1).Select(item => item.ValueKind switch
                {
                    JsonValueKind.Number => item.GetInt64(),
                    JsonValueKind.String => (object?)item.GetString(),
                    _ => null,
                })];
            }
        }
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException)
        {
            // Answered below.
        }

        throw new MlflowException(
            ErrorCode.INVALID_PARAMETER_VALUE,
            $"Invalid page token, could not base64-decode '{token}': pass the next_page_token of the page before, with the same order_by.");
    }
}
