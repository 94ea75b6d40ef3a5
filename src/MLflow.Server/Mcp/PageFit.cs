using System.Text.Json;

namespace MLflow.Server.Mcp;

/// <summary>Pages that fit into an answer: where the rows of a page do not, as many are asked for as do, so that the token of the next page goes on behind them.</summary>
internal static class PageFit
{
    /// <summary>Bytes for the token of the next page.</summary>
    private const int TokenRoom = 512;

    /// <param name="answer">Gets the rows.</param>
    /// <param name="list">Their name.</param>
    /// <param name="pageSize">Rows at most.</param>
    /// <param name="read">Gives a page of a size.</param>
    /// <param name="write">Writes a row.</param>
    /// <returns>The token of the next page; null after the last.</returns>
    public static async Task<string?> FillAsync<T>(ToolAnswer answer, string list, int pageSize, Func<int, Task<(IReadOnlyList<T> Rows, string? Next)>> read, Action<Utf8JsonWriter, T> write)
    {
        answer.Begin(list);
        while (true)
        {
            var (rows, next) = await read(pageSize).ConfigureAwait(false);
            var fit = rows.TakeWhile(row => answer.TryAdd(list, json => write(json, row), TokenRoom)).Count();
            if (fit == rows.Count)
            {
                return next;
            }

            if (fit == 0)
            {
                throw new MlflowException(ErrorCode.INTERNAL_ERROR, "One row alone is larger than an answer may be.");
            }

            answer.Clear(list);
            pageSize = fit;
        }
    }

    public static void Tell(ToolAnswer answer, string? next)
    {
        if (next is not null)
        {
            answer.Write(json => json.WriteString("next_page_token", next));
            answer.More("There are more: call again with the same arguments and page_token = next_page_token.");
        }
    }
}
