namespace MLflow.Fuzz;

/// <summary>Changes inputs a fixed number of times, always in the same way, and led by nothing: what the tests run.</summary>
internal static class ShortFuzz
{
    public static void Run(FuzzTarget target, int seed, int changes)
    {
        var random = new Random(seed);
        var inputs = target.Seeds.ToList();
        inputs.ForEach(input => Try(target, input));
        for (var i = 0; i < changes; i++)
        {
            var input = target.Mutate(random, inputs[random.Next(inputs.Count)], inputs[random.Next(inputs.Count)]);
            Try(target, input);

            // Changes of changes go further than those of the seeds.
            inputs[random.Next(4) == 0 ? random.Next(inputs.Count) : inputs.Count - 1] = input;
        }
    }

    private static void Try(FuzzTarget target, byte[] input)
    {
        try
        {
            target.Run(input);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{target.Name}: {Convert.ToBase64String(input)}", e);
        }
    }
}
