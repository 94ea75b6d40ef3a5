using System.Net;
using System.Text.RegularExpressions;
using Xunit;

namespace MLflow.EndToEnd.Tests.Ui;

[Collection(UiTests.Name)]
public sealed partial class AssetTests(UiFixture ui) : IDisposable
{
    private readonly HttpClient _client = new() { BaseAddress = ui.BaseAddress };

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _client.Dispose();

    [Fact]
    public async Task Page_Html_HasNoInlineScriptAndAPolicyThatForbidsIt()
    {
        using var response = await _client.GetAsync(new Uri("", UriKind.Relative), Cancelled);
        var html = await response.Content.ReadAsStringAsync(Cancelled);
        var policy = Assert.Single(response.Headers.GetValues("Content-Security-Policy"));

        Assert.All(Script().Matches(html), script => Assert.Contains("src=\"assets/", script.Value, StringComparison.Ordinal));
        Assert.Contains("script-src 'self';", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'self'", policy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Asset_WithItsVersion_IsCachedForEverAndRevalidatesByETag()
    {
        var html = await _client.GetStringAsync(new Uri("", UriKind.Relative), Cancelled);
        var addresses = Address().Matches(html).Select(match => match.Groups[1].Value).ToList();
        Assert.Equal(["app.css", "app.js", "blazor.web.js", "goto.js", "icon.svg", "list.js", "theme.js", "trace.js"], addresses.Select(address => address[7..address.IndexOf('?', StringComparison.Ordinal)]).Order());
        foreach (var address in addresses)
        {
            using var response = await _client.GetAsync(new Uri(address, UriKind.Relative), Cancelled);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Contains("immutable", response.Headers.CacheControl!.ToString(), StringComparison.Ordinal);

            using var again = new HttpRequestMessage(HttpMethod.Get, address[..address.IndexOf('?', StringComparison.Ordinal)]);
            again.Headers.IfNoneMatch.Add(response.Headers.ETag!);
            using var unchanged = await _client.SendAsync(again, Cancelled);
            Assert.Equal(HttpStatusCode.NotModified, unchanged.StatusCode);
            Assert.Equal("no-cache", unchanged.Headers.CacheControl!.ToString());
        }
    }

    [Fact]
    public async Task Asset_Brotli_IsTheSameFile()
    {
        using var plain = await _client.GetAsync(new Uri("assets/blazor.web.js", UriKind.Relative), Cancelled);
        using var handler = new HttpClientHandler { AutomaticDecompression = DecompressionMethods.Brotli };
        using var client = new HttpClient(handler) { BaseAddress = ui.BaseAddress };

        Assert.Equal(await plain.Content.ReadAsByteArrayAsync(Cancelled), await client.GetByteArrayAsync(new Uri("assets/blazor.web.js", UriKind.Relative), Cancelled));
    }

    [Theory]
    [InlineData("assets/none.js")]
    [InlineData("traces/tr-unknown")]
    [InlineData("experiments/987654")]
    public async Task Get_NothingThere_Answers404(string path)
    {
        using var response = await _client.GetAsync(new Uri(path, UriKind.Relative), Cancelled);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [GeneratedRegex("<script[^>]*>")]
    private static partial Regex Script();

    [GeneratedRegex("(?:src|href)=\"(assets/[^\"]+)\"")]
    private static partial Regex Address();
}
