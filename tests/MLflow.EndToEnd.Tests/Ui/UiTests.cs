using Xunit;

namespace MLflow.EndToEnd.Tests.Ui;

/// <summary>Tests that share one server and one browser, one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class UiTests : ICollectionFixture<UiFixture>
{
    public const string Name = "ui";
}
