function [best, bestScore] = classify_image(modelPath, imagePath)
% CLASSIFY_IMAGE  The best class of a picture

run(fullfile('matconvnet', 'matlab', 'vl_setupnn.m')) ;

% load the network, and let it end in probabilities
net = load(modelPath) ;
net = vl_simplenn_tidy(net) ;
net.layers{end} = struct('type', 'softmax', 'name', 'prob') ;
net = vl_simplenn_tidy(net) ;

% the picture as the network wants it
im = imread(imagePath) ;
im_ = single(im) ;                         % from 0 to 255
if size(im_, 3) == 1, im_ = repmat(im_, [1 1 3]) ; end
im_ = imresize(im_, net.meta.normalization.imageSize(1:2)) ;
averageImage = net.meta.normalization.averageImage ;
if numel(averageImage) == 3
  averageImage = reshape(averageImage, 1, 1, 3) ;
end
im_ = bsxfun(@minus, im_, averageImage) ;

% run the network
res = vl_simplenn(net, im_, [], [], 'mode', 'test', 'conserveMemory', true) ;

% show the best class
scores = squeeze(gather(res(end).x)) ;
[bestScore, best] = max(scores) ;
fprintf('%s (%d), score %.3f\n', net.meta.classes.description{best}, best, bestScore) ;
