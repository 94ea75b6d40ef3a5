using System.Text.Json;
using Microsoft.Playwright;

namespace MLflow.Benchmarks.Server;

/// <summary>What a page loads, in bytes on the wire: headers and bodies as they are compressed.</summary>
internal sealed class PageWeight
{
    private readonly Dictionary<string, string> _kinds = [];
    private readonly ICDPSession _session;

    private PageWeight(ICDPSession session) => _session = session;

    public long Bytes { get; private set; }

    /// <summary>Those of the HTML.</summary>
    public long DocumentBytes { get; private set; }

    /// <summary>What was asked of the server; what the browser had itself is not.</summary>
    public int Requests { get; private set; }

    /// <summary>Counts from now on.</summary>
    public static async Task<PageWeight> WatchAsync(IPage page)
    {
        var session = await page.Context.NewCDPSessionAsync(page);
        var weight = new PageWeight(session);
        session.Event("Network.responseReceived").OnEvent += (_, e) => weight._kinds[Text(e, "requestId")] = Text(e, "type");
        session.Event("Network.loadingFinished").OnEvent += (_, e) => weight.Add(Text(e, "requestId"), (long)(e?.GetProperty("encodedDataLength").GetDouble() ?? 0));
        await session.SendAsync("Network.enable");
        return weight;
    }

    /// <summary>Counts no more.</summary>
    public Task StopAsync() => _session.DetachAsync();

    private void Add(string request, long bytes)
    {
        Bytes += bytes;
        DocumentBytes += _kinds.GetValueOrDefault(request) == "Document" ? bytes : 0;
        Requests += bytes > 0 ? 1 : 0;
    }

    private static string Text(JsonElement? e, string name) => e?.GetProperty(name).GetString() ?? "";
}
