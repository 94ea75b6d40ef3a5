using System.Net;
using System.Text.RegularExpressions;
using Xunit;

namespace MLflow.Server.Tests.Access;

/// <summary>A browser without script: it keeps cookies and sends the forms that it was shown. Redirects are left to the test.</summary>
internal sealed partial class Browser : IDisposable
{
    private readonly HttpClient _client;

    public Browser(Uri address) => _client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = Cookies })
    {
        BaseAddress = address,
        DefaultRequestHeaders = { Accept = { new("text/html"), new("*/*", 0.8) } },
    };

    public CookieContainer Cookies { get; } = new();

    public string? Session => Cookies.GetCookies(_client.BaseAddress!)["mlflow.session"]?.Value;

    public async Task<(HttpStatusCode Status, string Text, Uri? Location)> GetAsync(string path)
    {
        using var response = await _client.GetAsync(new Uri(_client.BaseAddress!, path), Xunit.TestContext.Current.CancellationToken);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(Xunit.TestContext.Current.CancellationToken), response.Headers.Location);
    }

    /// <summary>Sends the form of a page, with the hidden fields that it has.</summary>
    public async Task<(HttpStatusCode Status, string Text, Uri? Location)> SubmitAsync(string page, string action, params (string Name, string Value)[] fields)
    {
        var (_, text, _) = await GetAsync(page);
        var form = Form().Matches(text).First(form => form.Groups["action"].Value == action).Groups["body"].Value;
        var hidden = Hidden().Matches(form).Select(field => (Name: field.Groups["name"].Value, Value: WebUtility.HtmlDecode(field.Groups["value"].Value)));
        return await PostAsync(action, [.. hidden.Where(field => !fields.Any(given => given.Name == field.Name)), .. fields]);
    }

    public async Task<(HttpStatusCode Status, string Text, Uri? Location)> PostAsync(string path, params (string Name, string Value)[] fields)
    {
        using var content = new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));
        using var response = await _client.PostAsync(new Uri(path, UriKind.Relative), content, Xunit.TestContext.Current.CancellationToken);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(Xunit.TestContext.Current.CancellationToken), response.Headers.Location);
    }

    public async Task LoginAsync(string name, string password = SomeGuardedServer.Password) =>
        Assert.Equal(HttpStatusCode.Redirect, (await SubmitAsync("login", "login", ("name", name), ("password", password))).Status);

    public void Dispose() => _client.Dispose();

    [GeneratedRegex("<form method=\"post\" action=\"(?<action>[^\"]+)\"[^>]*>(?<body>.*?)</form>", RegexOptions.Singleline)]
    private static partial Regex Form();

    [GeneratedRegex("<input type=\"hidden\" name=\"(?<name>[^\"]+)\" value=\"(?<value>[^\"]*)\"")]
    private static partial Regex Hidden();
}
