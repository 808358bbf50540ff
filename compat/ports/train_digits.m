function [net, info] = train_digits(varargin)
% TRAIN_DIGITS  Train a network on small pictures of digits
%   digits.mat holds images, 8x8x1xN from 0 to 16, and labels, 1xN from 1 to 10.

run(fullfile('matconvnet', 'matlab', 'vl_setupnn.m')) ;

opts.networkType = 'simplenn' ;
opts.expDir = fullfile('data', 'digits') ;
opts.train.batchSize = 50 ;
opts.train.numEpochs = 20 ;
opts.train.learningRate = [0.05 * ones(1, 12), 0.005 * ones(1, 8)] ;
opts.train.randomSeed = 1 ;
opts.train.plotStatistics = false ;
opts = vl_argparse(opts, varargin) ;

imdb = getDigitsImdb('digits.mat') ;
net = initDigits(opts.networkType) ;

switch opts.networkType
  case 'simplenn', trainFn = @cnn_train ;
  case 'dagnn',    trainFn = @cnn_train_dag ;
end

[net, info] = trainFn(net, imdb, @(imdb, batch) getBatch(opts, imdb, batch), ...
                      'expDir', opts.expDir, ...
                      opts.train) ;

if strcmp(opts.networkType, 'simplenn')
  err = info.val(end).top1err ;
else
  err = info.val(end).error ;
end
fprintf('%s: %.2f %% of the held-out digits are right\n', opts.networkType, 100 * (1 - err)) ;

% -------------------------------------------------------------------------
function imdb = getDigitsImdb(path)
% -------------------------------------------------------------------------
digits = load(path) ;
n = numel(digits.labels) ;
set = ones(1, n) ;
set(5:5:n) = 2 ;                          % every fifth is held out
data = single(digits.images) / 16 ;
dataMean = mean(data(:,:,:,set == 1), 4) ;
imdb.images.data = bsxfun(@minus, data, dataMean) ;
imdb.images.labels = digits.labels ;
imdb.images.set = set ;
imdb.meta.sets = {'train', 'val'} ;
imdb.meta.classes = arrayfun(@(d) sprintf('%d', d), 0:9, 'UniformOutput', false) ;

% -------------------------------------------------------------------------
function varargout = getBatch(opts, imdb, batch)
% -------------------------------------------------------------------------
im = imdb.images.data(:,:,:,batch) ;
labels = imdb.images.labels(1,batch) ;
if imdb.images.set(batch(1)) == 1         % train: shift by up to a pixel
  im = shifted(im, randi(3) - 2, randi(3) - 2) ;
end
if strcmp(opts.networkType, 'simplenn')
  varargout = {im, labels} ;
else
  varargout{1} = {'input', im, 'label', labels} ;
end

% -------------------------------------------------------------------------
function y = shifted(x, dy, dx)
% -------------------------------------------------------------------------
y = circshift(x, [dy dx]) ;

% -------------------------------------------------------------------------
function net = initDigits(networkType)
% -------------------------------------------------------------------------
net.layers = {} ;
net = addBlock(net, '1', 3, 1, 16, 1) ;
net = addBlock(net, '2', 3, 16, 32, 1) ;
net.layers{end+1} = struct('type', 'pool', 'name', 'pool2', ...
                           'method', 'max', 'pool', [2 2], 'stride', 2) ;
net = addBlock(net, '3', 4, 32, 64, 0) ;
net.layers{end+1} = struct('type', 'dropout', 'name', 'dropout3', 'rate', 0.2) ;
net = addBlock(net, '4', 1, 64, 10, 0) ;
net.layers(end) = [] ;                    % no ReLU after the last one
net.layers{end+1} = struct('type', 'softmaxloss', 'name', 'loss') ;
net.meta.inputSize = [8 8 1] ;
net = vl_simplenn_tidy(net) ;

if strcmp(networkType, 'dagnn')
  net = dagnn.DagNN.fromSimpleNN(net, 'canonicalNames', true) ;
  net.addLayer('error', dagnn.Loss('loss', 'classerror'), ...
               {'prediction', 'label'}, 'error') ;
end

% -------------------------------------------------------------------------
function net = addBlock(net, id, sz, in, out, pad)
% -------------------------------------------------------------------------
f = sqrt(2 / (sz * sz * in)) * randn(sz, sz, in, out, 'single') ;
net.layers{end+1} = struct('type', 'conv', 'name', ['conv' id], ...
                           'weights', {{f, zeros(out, 1, 'single')}}, ...
                           'stride', 1, 'pad', pad) ;
net.layers{end+1} = struct('type', 'relu', 'name', ['relu' id]) ;
