using Microsoft.Data.Sqlite;
using MLflow.Server.Storage.Sql;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>The ids of one page of a search.</summary>
internal static class KeysetPage
{
    /// <param name="connection">Where to read.</param>
    /// <param name="select">Selects the id and then <see cref="Keyset.Select"/>, and of the page one row more than it has, if there is one.</param>
    /// <param name="parameters">Of the select.</param>
    /// <param name="keyset">The order.</param>
    /// <param name="pageSize">Rows of the page.</param>
    /// <param name="id">Reads the id.</param>
    /// <returns>The ids, and the token of the next page; null where there is none.</returns>
    public static (List<T> Ids, string? NextToken) Read<T>(SqliteConnection connection, string select, SqlParameters parameters, Keyset keyset, int pageSize, Func<SqliteDataReader, T> id)
    {
        using var command = connection.CreateCommand();
        command.CommandText = select;
        parameters.Bind(command);
        var rows = new List<(T Id, object?[] Keys)>();
        using (var reader = command.ExecuteReader())
        {
            while (reader.Read())
            {
                rows.Add((id(reader), [.. Enumerable.Range(1, keyset.Count).Select(i => reader.IsDBNull(i) ? null : reader.GetValue(i))]));
            }
        }

        string? token = null;
        if (rows.Count > pageSize)
        {
            rows.RemoveAt(pageSize);
            token = keyset.Token(rows[^1].Keys);
        }

        return (rows.ConvertAll(row => row.Id), token);
    }
}
