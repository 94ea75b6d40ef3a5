using System.Net.Http.Json;
using MLflow.EndToEnd.Tests.Cli;
using MLflow.Server;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace MLflow.EndToEnd.Tests.Ui;

/// <summary>A server below a path of its host, as behind a proxy that leaves the path in place.</summary>
[Collection(UiTests.Name)]
public sealed class SubPathTests(UiFixture ui)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Prefix_BeforeEverything_HoldsForPagesFilesCircuitsAndOtlp()
    {
        using var folder = new TemporaryFolder();
        await using var server = await MlflowServer.StartAsync(new MlflowServerOptions { Port = 0, OtlpGrpcPort = null, StaticPrefix = "/mlflow", BackendStoreUri = folder.StoreUri }, Token);
        using var client = new HttpClient { BaseAddress = server.BaseAddress };
        var traceId = Guid.NewGuid().ToString("n");
        using var stored = await client.PostAsJsonAsync(
            new Uri("mlflow/v1/traces", UriKind.Relative),
            new { resourceSpans = new[] { new { scopeSpans = new[] { new { spans = new[] { new { traceId, spanId = "0000000000000001", name = "below a path", startTimeUnixNano = "1700000000000000000", endTimeUnixNano = "1700000001000000000" } } } } } } },
            Token);
        Assert.True(stored.IsSuccessStatusCode, await stored.Content.ReadAsStringAsync(Token));

        await using var opened = await ui.OpenAsync(new Uri(server.BaseAddress, "mlflow/experiments/0").ToString());
        await opened.Page.GetByRole(Microsoft.Playwright.AriaRole.Link, new() { Name = "below a path" }).First.ClickAsync();

        await Expect(opened.Page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex($"/mlflow/traces/tr-{traceId}"));
        await Expect(opened.Page.Locator("main")).ToContainTextAsync("below a path");
        Assert.All(opened.Requests, request => Assert.StartsWith("/mlflow/", request.AbsolutePath, StringComparison.Ordinal));
        Assert.Contains(opened.Requests, request => request.AbsolutePath.StartsWith("/mlflow/_blazor", StringComparison.Ordinal));
        Assert.Empty(opened.Complaints);
    }
}
