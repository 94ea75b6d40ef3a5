using System.Net;
using MLflow.Server.Tests.Rest;
using Xunit;

namespace MLflow.Server.Tests.Ui;

/// <summary>Addresses at which there is nothing.</summary>
public sealed class UnknownAddressTests(SomeServer server) : IClassFixture<SomeServer>
{
    private const string Browser = "text/html,application/xhtml+xml,*/*;q=0.8";

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/nowhere/%3Cb%3E?q=1", "en", "<h1>No such page</h1>", "/nowhere/&lt;b&gt;</span>")]
    [InlineData("/experiments/x", "ja", "<h1>ページがありません</h1>", "/experiments/x<")]
    [InlineData("/assets/none.js", "en", "<h1>No such page</h1>", "/assets/none.js<")]
    [InlineData("/language/fr", "en", "<h1>No such page</h1>", "/language/fr<")]
    public async Task Get_ByABrowser_IsAPage(string path, string language, string title, string said)
    {
        var (response, text) = await SendAsync(HttpMethod.Get, path, Browser, language);

        Assert.Equal((404, "text/html"), ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        Assert.Contains($"<html lang=\"{language}\">", text, StringComparison.Ordinal);
        Assert.Contains(title, WebUtility.HtmlDecode(text), StringComparison.Ordinal);
        Assert.Contains(said, text, StringComparison.Ordinal);
        Assert.Contains("<base href=\"/\"", text, StringComparison.Ordinal);
        Assert.Contains("default-src 'self'", Assert.Single(response.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        Assert.True(response.Headers.CacheControl?.NoStore);
    }

    [Theory]
    [InlineData("GET", "/nowhere", "*/*", 404)]
    [InlineData("GET", "/nowhere", "application/json", 404)]
    [InlineData("POST", "/nowhere", Browser, 404)]
    [InlineData("GET", "/logout", Browser, 405)]
    [InlineData("GET", "/api/2.0/mlflow/nowhere", Browser, 404)]
    [InlineData("GET", "/api/3.0/mlflow/traces/tr-nope", Browser, 404)]
    [InlineData("GET", "/v1/nowhere", Browser, 404)]
    public async Task Send_ByAProgramOrToTheApi_IsAnsweredAsBefore(string method, string path, string accept, int status)
    {
        var (response, text) = await SendAsync(new HttpMethod(method), path, accept, "en");

        Assert.Equal(status, (int)response.StatusCode);
        Assert.DoesNotContain("No such page", text, StringComparison.Ordinal);
    }

    private async Task<(HttpResponseMessage Response, string Text)> SendAsync(HttpMethod method, string path, string accept, string language)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        request.Headers.Add("Accept", accept);
        request.Headers.Add("Accept-Language", language);
        var response = await server.Client.SendAsync(request, Token);
        return (response, await response.Content.ReadAsStringAsync(Token));
    }
}
